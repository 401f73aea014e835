"""Hazards from Git: what finding them costs once the branch is read, and how many clean repositories show.

A hazard that is not true is a defect, so their number is a figure as well: of the sample homelab, whose manifests are
as its catalog wants them, and of entries that `failover suggest` makes for repositories of others, where there are any.
"""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.figures.splice import CORPUS
from bench.rig import repositories
from bench.rig.report import Row, at_most, exactly, skipped
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Catalog, Service
from failover_api.core.planning.state import detect
from failover_api.core.safety.hazard import Hazard
from failover_api.core.safety.hazards import hazards, other_side
from failover_api.core.safety.surroundings import Surroundings
from failover_api.core.safety.switch_moves import each_way, possible_move
from failover_api.errors import FailoverError
from failover_api.reading.services import Observation, ServiceReader
from failover_api.reading.surroundings import SurroundingsReader
from failover_api.reading.working_tree import WorkingTree
from failover_api.suggest import suggest

SERVICES, LIMIT_MS = 200, 300.0
# Each of them true: a database, an app that is on backup, and one whose strategy a promote unblocks.
HOMELAB = {"statefulset-blocks": 1, "data-left-behind": 1, "rolling-on-one-volume": 1}
Files = Mapping[str, bytes]


def measure(*, quick: bool = False) -> Iterator[Row]:
    """The time of 200 services in all, and counts."""
    names = repositories.names(SERVICES)
    catalog = parse_catalog(repositories.catalog(names), file="services.yaml")
    seen, around = asyncio.run(_read(repositories.generated(SERVICES), catalog))
    time_ms = statistics.median(_timed_ms(seen, around) for _ in range(3 if quick else 20))
    yield at_most(f"hazards of {SERVICES} services from Git, warm, in all", time_ms, LIMIT_MS, "ms")
    counted = count(repositories.sample(), repositories.SAMPLE_CATALOG.read_text(encoding="utf-8"))
    untrue = (counted - Counter(HOMELAB)).total()
    yield exactly("hazards of the sample homelab, both ways, that are not true", untrue, 0, "hazard")
    if not CORPUS.is_dir():
        yield skipped("hazards of repositories of others", f"{CORPUS} is not there")
        return
    yield from _of_others()


def count(files: Files, catalog: str) -> Counter[str]:
    """How often each hazard is found, both ways of all services together; what is said of both ways counts once."""
    return Counter(hazard.slug for hazard in told(files, parse_catalog(catalog, file="services.yaml")))


def told(files: Files, catalog: Catalog) -> list[Hazard]:
    """What a check of a working tree would tell."""
    seen, around = asyncio.run(_read(files, catalog))
    return [hazard for one in seen for hazard in _hazards(one, around)]


def _hazards(one: Observation, around: Surroundings) -> list[Hazard]:
    ways = each_way(one.service, detect(one.service, one.manifests), one.manifests)
    return list(dict.fromkeys(hazard for move in ways.values() for hazard in hazards(move, around)))


def _timed_ms(seen: Sequence[Observation], around: Surroundings) -> float:
    """As a list of all services asks: of the move that each can make now."""
    started = time.perf_counter()
    for one in seen:
        detection = detect(one.service, one.manifests)
        hazards(possible_move(one.service, detection, other_side(detection), one.manifests), around)
    return (time.perf_counter() - started) * 1000


async def _read(files: Files, catalog: Catalog) -> tuple[list[Observation], Surroundings]:
    tree = WorkingTree(files)
    reader, branch = ServiceReader(tree), catalog.branches[0]
    observed = [await _observed(reader, service) for service in catalog.services.values()]
    around = await SurroundingsReader(tree).read(branch, not_before=0.0)
    return [one for one in observed if one is not None], around


async def _observed(reader: ServiceReader, service: Service) -> Observation | None:
    try:
        return await reader.observe(service, not_before=None)
    except FailoverError:
        return None


def _of_others() -> Iterator[Row]:
    """With a catalog that a person has yet to correct: claims of the other side are guesses, so none is looked for."""
    for folder in sorted(path for path in CORPUS.iterdir() if path.is_dir()):
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        text = suggest(files).text(repository="acme/homelab")
        if not text:
            continue
        catalog = parse_catalog(text.replace("services:", "claims: external\nservices:", 1), file="services.yaml")
        counted = Counter(hazard.slug for hazard in told(files, catalog))
        kinds = ", ".join(f"{slug} {number}" for slug, number in counted.most_common()) or "none"
        yield Row(f"hazards of {folder.name.replace('+', '/')}, {len(catalog.services)} services", kinds)
