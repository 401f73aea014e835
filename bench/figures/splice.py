"""One scalar changed in many manifests: our splice, which keeps every other byte, against ruamel.yaml's round trip.

The same change in the same file, by turns. Files whose first document has no plain name, or that
one of the two refuses, are left out, and counted.
"""

import io
import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bench.rig import repositories
from bench.rig.report import Row, at_most, skipped
from failover_api.core.splice import Edit, Selector, parse
from failover_api.core.splice.paths import parse_path
from failover_api.core.splice.yaml_tree import DEFAULT_READER, read_fast
from failover_api.errors import FailoverError

CORPUS = repositories.ROOT.parent / "shared" / "yaml" / "corpus"
LIMIT_MS, RATIO_LIMIT = 3.0, 0.25
_NAME = parse_path("metadata.name")


def measure(*, quick: bool = False) -> Iterator[Row]:
    """Medians over the files."""
    if DEFAULT_READER is not read_fast:
        yield skipped("splice with the C reader", "ruamel.yaml.clib is not here")
        return
    where, files = _files(60 if quick else 400)
    taken = [pair for data in files if (pair := _pair(data))]
    ours_ms = statistics.median(pair[0] for pair in taken) * 1000
    theirs_ms = statistics.median(pair[1] for pair in taken) * 1000
    note = f" ({len(taken)} of {len(files)} files of {where})"
    yield at_most("splice: read, change one scalar, prove it, median", ours_ms, LIMIT_MS, "ms", digits=2, note=note)
    ratio = statistics.median(pair[0] / pair[1] for pair in taken)
    note = f" (ruamel {theirs_ms:.1f} ms)"
    yield at_most("splice / ruamel round trip, median", ratio, RATIO_LIMIT, "times", digits=2, note=note)


def _files(count: int) -> tuple[str, list[bytes]]:
    """Manifests with a name, drawn from the corpus where there is one, else from the sample homelab."""
    where, root = ("the corpus", CORPUS) if CORPUS.is_dir() else ("the sample homelab", repositories.HOMELAB)
    found = [path.read_bytes() for path in sorted(root.rglob("*.y*ml")) if path.is_file()]
    named = [data for data in found if b"\nmetadata:" in data]
    return where, random.Random(1).sample(named, min(count, len(named)))  # noqa: S311 - a sample, always the same


def _pair(data: bytes) -> tuple[float, float] | None:
    """Seconds of ours and of ruamel's, the better of two runs; None when one of them refuses."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ruamel warns of anchors that are defined anew
            return _best(_spliced, data), _best(_round_tripped, data)
    except (FailoverError, YAMLError, KeyError, TypeError):
        return None


def _best(change: Callable[[bytes], bytes], data: bytes) -> float:
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        changed = change(data)
        taken.append(time.perf_counter() - started)
        assert changed != data
    return min(taken)


def _spliced(data: bytes) -> bytes:
    manifest = parse(data, file="manifest.yaml")
    first = Selector(index=manifest.documents[0].index)
    old = manifest.find(first, _NAME)
    return manifest.apply([Edit(first, _NAME, value=f"{old.value}-b", expect=old.value)]).data


def _round_tripped(data: bytes) -> bytes:
    yaml = YAML()
    documents = list(yaml.load_all(data))
    documents[0]["metadata"]["name"] += "-b"
    out = io.BytesIO()
    yaml.dump_all(documents, out)
    return out.getvalue()
