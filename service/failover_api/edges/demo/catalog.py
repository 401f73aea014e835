"""The sample homelab, and the example catalog that goes with it."""

from pathlib import Path

import failover_api
from failover_api.core.catalog.load import parse_catalog

SANDBOX = Path(failover_api.__file__).parent / "sandbox"
UNBLOCK = "    unblock: rolling "  # of zigbee2mqtt, whose strategy is Recreate


def homelab() -> dict[str, bytes]:
    """{path: content} of the sample repository."""
    root = SANDBOX / "homelab"
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def demo_catalog(receiver: str, secret_file: Path) -> str:
    """The example, without the line that the story adds, and with Flux's receiver."""
    lines = (SANDBOX / "services.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(UNBLOCK)]
    assert len(kept) == len(lines) - 1
    flux = ["", "flux_receiver:", f"  url: {receiver}", f"  secret_file: {secret_file}", ""]
    return "\n".join([*kept, *flux])


def claim_pairs() -> dict[str, str]:
    """{claim: that of the other side}, both ways, of every service in the example.

    mosquitto's are in no switch: each of its two Deployments has its own.
    """
    text = (SANDBOX / "services.yaml").read_text(encoding="utf-8")
    services = parse_catalog(text, file="services.yaml").services.values()
    found = [("mosquitto-primary", "mosquitto-backup")]
    found += [(str(one.primary), str(one.backup)) for service in services for one in service.switches]
    return dict(found) | {backup: primary for primary, backup in found}


def add_unblock(file: Path) -> str:
    """Gives zigbee2mqtt the line of the example; it is returned. The file is replaced, never half there."""
    line = next(line for line in _example() if line.startswith(UNBLOCK)).split("#")[0].rstrip()
    text = file.read_text(encoding="utf-8")
    place = "    backup_pvc: pvc-zigbee2mqtt-backup\n"
    assert text.count(place) == 1
    new = file.with_suffix(".new")
    new.write_text(text.replace(place, f"{place}{line}\n"), encoding="utf-8")
    new.replace(file)
    return line


def _example() -> list[str]:
    return (SANDBOX / "services.yaml").read_text(encoding="utf-8").splitlines()
