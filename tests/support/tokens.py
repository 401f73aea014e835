"""People of an access file, each with a token that is as their name."""

from failover_api.core.access.model import digest_of
from tests.support.stage import Stage


def give_tokens(stage: Stage, **rules: tuple[str, str]) -> None:
    """{token: (verbs, services)}"""
    rows = [
        f"{{name: {name}, sha256: {digest_of(name)}, allow: [{verbs}], services: [{services}], expires: 2999-01-01}}"
        for name, (verbs, services) in rules.items()
    ]
    stage.access_file.write_text(f"tokens: [{', '.join(rows)}]\n")


def bearer(name: str) -> dict[str, str]:
    """The header of who has it."""
    return {"authorization": f"Bearer {name}"}
