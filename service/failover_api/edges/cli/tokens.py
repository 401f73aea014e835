"""`failover token new NAME`: a static token, and the entry of access.yaml that knows its digest only."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from failover_api.core.access.load import parse_access
from failover_api.core.access.model import digest_of
from failover_api.errors import BadRequest, ConfigInvalid

PREFIX = "failover_"  # so that scanners for secrets can know one when they see it
SECRET_BYTES = 32
VALID_DAYS = 365


@dataclass(frozen=True, slots=True)
class NewToken:
    """`token` is shown once; `entry` is YAML, to be put below `tokens:`."""

    token: str
    entry: str


def new_token(name: str, *, allow: Sequence[str], services: Sequence[str], expires: str | None) -> NewToken:
    """Raises BadRequest for an entry that access.yaml would refuse, and for one that is over already."""
    token = f"{PREFIX}{secrets.token_urlsafe(SECRET_BYTES)}"
    until = expires or (datetime.now(UTC) + timedelta(days=VALID_DAYS)).date().isoformat()
    entry = "".join(
        (
            f"  - name: {json.dumps(name)}\n",
            f'    sha256: "{digest_of(token)}"\n',
            f"    allow: [{', '.join(map(json.dumps, allow))}]\n",
            f"    services: [{', '.join(map(json.dumps, services))}]\n",
            f"    expires: {json.dumps(until)}\n",
        )
    )
    try:
        (made,) = parse_access(f"tokens:\n{entry}", file="access.yaml").tokens
    except ConfigInvalid as exc:
        raise BadRequest(exc.detail.partition(": ")[2]) from exc
    if made.expires is not None and made.expires <= datetime.now(UTC):
        raise BadRequest(f"--expires {until}: expected a day to come: from then on the token is refused")
    return NewToken(token, entry)
