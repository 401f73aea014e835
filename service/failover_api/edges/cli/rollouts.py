"""How far a move has come, as lines on a terminal."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from failover_api.edges.cli.times import shown_time
from failover_api.edges.printable import one_line

Body = dict[str, Any]

_STYLES = {"serving": "green", "blocked": "bold red", "absent": "red", "stopped": "yellow", "unknown": "dim"}
_COPY_STYLES = {"protected": "green", "stale": "yellow", "failing": "bold red", "seeding": "yellow", "unknown": "dim"}
_WIDTH = len("committed")


def cluster_lines(cluster: Body | None, *, utc: bool) -> Iterator[Text]:
    """What a status says of the cluster; nothing where nothing is seen."""
    if not cluster:
        return
    place = " on ".join(filter(None, (cluster["pod"], cluster["node"])))
    since = f" since {shown_time(cluster['since'], utc=utc)}" if cluster["since"] else ""
    what = Text.assemble("  in the cluster: ", stage(cluster["stage"]), since)
    yield Text.assemble(what, f", {one_line(place)}" if place else "")
    for text in filter(None, (cluster["reason"], cluster["cure"])):
        yield Text(f"    {one_line(text)}")


def replication_lines(replication: Body | None, *, utc: bool) -> Iterator[Text]:
    """What a status says of the copy on the other side; nothing where the catalog has no replication."""
    if not replication:
        return
    state = one_line(replication["state"])
    as_of = f", data of {shown_time(replication['data_as_of'], utc=utc)}" if replication["data_as_of"] else ""
    in_flight = ", a sync is under way" if replication["in_flight"] else ""
    copy = Text(state, style=_COPY_STYLES.get(state, ""))
    yield Text.assemble("  its copy on the other side: ", copy, one_line(as_of), in_flight)
    if reason := replication.get("reason"):
        yield Text(f"    {one_line(reason)}")


def rollout_lines(service: str, body: Body, *, utc: bool) -> Iterator[Text]:
    """The stage, or what Git says otherwise by now; then each step with its time."""
    from failover_api.core.safety.rollout.steps import is_overruled

    operation = f"  operation {one_line(body['operation'])}" if body["operation"] else ""
    overruled = next((step["detail"] for step in body["steps"] if is_overruled(step["detail"])), "")
    how = [": ", (one_line(overruled), "yellow")] if overruled else [" is ", stage(body["stage"])]
    yield Text.assemble((one_line(service), "bold"), *how, (operation, "dim"))
    if not body["operation"]:
        yield Text("  no move of it is known")
    for step in body["steps"]:
        time = shown_time(step["at"], utc=utc, seconds=True) if step["at"] else "-"
        detail = f"  {one_line(step['detail'])}" if step["detail"] else ""
        yield Text.assemble(f"  {step['name'].ljust(_WIDTH)}  {time}", (detail, "dim"))
    if body["blocked"]:
        yield Text(one_line(f"blocked: {body['blocked']['reason']}"), style="bold red")
        if body["blocked"]["cure"]:
            yield Text(f"  {one_line(body['blocked']['cure'])}")


def stage(name: str) -> Text:
    return Text(one_line(name), style=_STYLES.get(name, ""))
