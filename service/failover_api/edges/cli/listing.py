"""`failover list`: a row for each service, the services that are asked for, and what has to be said beside the rows."""

from collections.abc import Iterator
from typing import Any

from failover_api.edges.cli.backend import refused
from failover_api.edges.cli.tables import value
from failover_api.edges.cli.times import shown_time
from failover_api.edges.printable import one_line

Body = dict[str, Any]

COLUMNS = ("NAME", "SIDE", "STAGE", "NODE", "SINCE", "BY")
WIDE_COLUMNS = (*COLUMNS, "POLICY", "GROUPS", "FILES", "PULL-REQUEST")
NODE_COLUMNS = ("NAME", "STATE", "SINCE", "ACTIVE", "STANDBY")
NOTHING = "-"  # in a cell; an empty one would be lost on `awk` and `column`


def of_group(body: Body, group: str) -> Body:
    """The services of a group. Raises Refused for one that nobody knows here."""
    services = [service for service in body["services"] if group in service["groups"]]
    if not services:
        from failover_api.core.catalog.model import no_group

        raise refused(no_group(group))
    return {**body, "services": services}


def on_side(body: Body, side: str) -> Body:
    """The services that are on this side."""
    return {**body, "services": [service for service in body["services"] if service["side"] == side]}


def is_unreadable(body: Body) -> bool:
    """Whether there are services, and none could be read."""
    return bool(body["services"]) and all(service.get("error") for service in body["services"])


def row(service: Body, *, is_wide: bool, utc: bool) -> tuple[str, ...]:
    """The cells of one service. Since when it is there, and by whom: where its newest move did that, and no edit."""
    move = service.get("last_move") or {}
    move = move if move.get("to") == service["side"] else {}
    since = shown_time(move["time"], utc=utc) if move else ""
    cells = [service["service"], service["side"], _stage(service), _nodes(service), since, move.get("by", "")]
    if is_wide:
        files = dict.fromkeys(switch["file"] for switch in service["switches"])
        pull = service.get("pull_request") or {}
        cells += [service["policy"], ",".join(service["groups"]), ",".join(files), pull.get("url", "")]
    return tuple(one_line(cell) or NOTHING for cell in cells)


def node_row(node: Body, *, utc: bool) -> tuple[str, ...]:
    """The cells of one node."""
    since = shown_time(node["since"], utc=utc) if node["since"] else ""
    on_it = node["services"]
    cells = (node["name"], node["state"], since, ",".join(on_it["active"]), ",".join(on_it["standby"]))
    return tuple(one_line(cell) or NOTHING for cell in cells)


def _stage(service: Body) -> str:
    """How far the cluster has come; nothing where none is seen."""
    return str((service.get("cluster") or {}).get("stage", ""))


def _nodes(service: Body) -> str:
    """Where its pod is; else the nodes behind the side where it is, which an older service does not say."""
    if node := (service.get("cluster") or {}).get("node"):
        return str(node)
    return ",".join((service.get("nodes") or {}).get(service["side"], ()))


def problems_of(body: Body) -> Iterator[tuple[str, Body]]:
    """(names, problem): what keeps services from being read, each once. The names are "" when it is all of them."""
    errors: dict[tuple[str, str], list[Body]] = {}
    for service in body["services"]:
        if error := service.get("error"):
            errors.setdefault((error["type"], error["detail"]), []).append(service)
    for held in errors.values():
        names = "" if len(held) == len(body["services"]) else ", ".join(service["service"] for service in held)
        yield names, held[0]["error"]


def strays_of(body: Body) -> Iterator[str]:
    """Of each service with a value that is on neither side: which, and where it stands."""
    for service in body["services"]:
        for switch in [switch for switch in service["switches"] if switch["side"] == "unknown"][:1]:
            place = f"{switch['file']}:{switch['line']}"
            yield f"{service['service']}: {place}: {value(switch['value'])} is on neither side"


def is_silent(body: Body) -> bool:
    """Whether a cluster is configured, and nothing of it is seen: not one service is."""
    told = [service["hazards_to"]["slugs"] for service in body["services"] if service.get("hazards_to")]
    seen = any(service.get("cluster") for service in body["services"])
    return bool(told) and not seen and all("cluster-unseen" in slugs for slugs in told)
