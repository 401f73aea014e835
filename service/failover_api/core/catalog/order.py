"""In which order services move: what `after` says of all of them together."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from failover_api.core.catalog.short_forms import Error
from failover_api.core.config.schema import describe

After = Mapping[str, Sequence[str]]  # {service: those that it comes after}


def check_order(after: After, error: Error) -> None:
    """Tells `error` of names that are no service, and of a cycle."""
    for name, index, fault in _faults(after):
        error(fault, ("services", name, "after", index))
    cycle = find_cycle({name: [one for one in named if one in after] for name, named in after.items()})
    if cycle:
        shown = " -> ".join((*cycle, cycle[0]))
        text = f"each of these would wait for the next, and so for ever: {shown}. Take one of the names out"
        error(text, ("services", cycle[0], "after"))


def find_cycle(after: After) -> tuple[str, ...]:
    """Names of which each comes after the next, and the last after the first; none where there is no cycle."""
    try:
        TopologicalSorter(after).prepare()
    except CycleError as exc:
        names: list[str] = exc.args[1][:0:-1]  # graphlib names the one that is waited for first, and the first twice
        at = min(range(len(names)), key=lambda index: list(after).index(names[index]))
        return (*names[at:], *names[:at])
    return ()


def _faults(after: After) -> Iterator[tuple[str, int, str]]:
    for name, named in after.items():
        for index, one in enumerate(named):
            if one not in after:
                yield name, index, f"no service is named {describe(one)}"
            elif one in named[:index]:
                yield name, index, f"{describe(one)} is there twice"
