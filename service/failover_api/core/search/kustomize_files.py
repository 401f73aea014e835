"""What a kustomization.yaml builds: the files and folders that it names, as it names them.

resources, components, bases    what is built, with all that these name in turn
patches                         what is laid over it

https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from failover_api.core.search.fields import down, elements
from failover_api.core.search.file_summary import patches_in
from failover_api.core.splice import Manifest

MAX_NAMED = 500  # of one file
MAX_LENGTH = 500
_BUILT = ("resources", "components", "bases")


@dataclass(frozen=True, slots=True)
class KustomizeFile:
    """Of one file. Paths are relative to its folder; URLs of other repositories are left out."""

    built: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        return 200 + sum(100 + len(path) for path in (*self.built, *self.patches))


def read_kustomize_file(manifest: Manifest) -> KustomizeFile:
    """What it names. A file that builds nothing names nothing."""
    tree = manifest.tree
    roots = [document.root for document in tree.documents]
    built = (tree.scalar_text(one) for root in roots for key in _BUILT for one in elements(tree, down(tree, root, key)))
    patches = (patch for root in roots for patch in patches_in(tree, root))
    return KustomizeFile(_paths(built), _paths(patches))


def _paths(named: Iterator[str | None]) -> tuple[str, ...]:
    own = (path for path in named if path and _is_path(path))
    return tuple(dict.fromkeys(islice(own, MAX_NAMED)))


def _is_path(text: str) -> bool:
    """Whether it may lead to a file of the same repository."""
    return len(text) <= MAX_LENGTH and text.isprintable() and "://" not in text and not text.startswith(("/", "git@"))
