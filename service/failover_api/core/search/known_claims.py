"""The claims that a repository's files make, could make, or fill; to tell a name that is nowhere.

In doubt a name is known: a warning that is wrong is worse than none. A variable stands for every value that it is given
anywhere, and for anything where none is given; a template stands for anything.
"""

import difflib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from failover_api.core.search.claim_references import variables_of
from failover_api.core.search.claim_sources import ORDINAL, ClaimSources
from failover_api.core.search.variables import ANYTHING, forms
from failover_api.core.wording import one_line

MAX_NAMES, MAX_PATTERNS = 50_000, 2000  # in all; with more, nobody can tell what is not there
NAMES_COMPARED, NAME_LENGTH = 1000, 63  # likeness is quadratic in the length of what is compared
_LIKENESS = 0.75
_LITERAL = 3  # letters that a pattern needs for what it matches to mean something
_ENDS_IN_ORDINAL = re.compile(r"-\d{1,3}$")


@dataclass(frozen=True, slots=True)
class KnownClaims:
    """Of one branch. `places` is {name: file and line} of those that are written out; `guesses` are names that a chart
    or an operator may give; `names` are of all documents; `references` are {variable: file and name as written}.
    """

    places: Mapping[str, str]
    guesses: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    names: frozenset[str] = frozenset()
    is_anything_made: bool = False  # some claim is named by variables or templates alone
    is_cut: bool = False  # there are too many
    references: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many names are kept, at least one."""
        return 1 + len(self.places) + len(self.guesses) + len(self.patterns) + len(self.names) + len(self.references)

    def has(self, name: str) -> bool:
        """Whether a file makes it, could make it, or fills it."""
        if (
            self.is_cut
            or name in self.places
            or name in self.guesses
            or any(pattern.fullmatch(name) for pattern in self.patterns)
        ):
            return True
        if _ENDS_IN_ORDINAL.search(name):  # of a StatefulSet that a chart or an operator makes
            parts = name.split("-")
            spans = (parts[i:j] for i in range(len(parts)) for j in range(i + 1, len(parts)))
            return any("-".join(span) in self.names for span in spans)
        return self.is_anything_made and name in self.names

    def named_with(self, variable: str, folder: str | None) -> tuple[str, ...]:
        """The names as they are written that workloads have by a variable, in the files below a folder."""
        below = posixpath.normpath((folder or ".").lstrip("/") or ".")
        found = self.references.get(variable, ())
        return tuple(dict.fromkeys(name for path, name in found if below == "." or path.startswith(f"{below}/")))

    def nearest(self, name: str, *, without: Iterable[str] = ()) -> str:
        """The known claim with a name like it, and its place: `sonarr-b (apps/sonarr/pvc.yaml:3)`; or ""."""
        skipped = {name, *without}
        candidates = [each for each in self.places if each not in skipped and len(each) <= NAME_LENGTH]
        near = difflib.get_close_matches(name[:NAME_LENGTH], candidates[:NAMES_COMPARED], n=1, cutoff=_LIKENESS)
        return f"{near[0]} ({one_line(self.places[near[0]])})" if near else ""


def known_claims(files: Mapping[str, ClaimSources]) -> KnownClaims:
    """What the files, by path, say together."""
    values = variable_values(files.values())
    affixes = {("", ""), *(affix for sources in files.values() for affix in sources.affixes)}
    places: dict[str, str] = {}
    guesses: set[str] = set()
    patterns: dict[str, None] = {}
    is_anything_made = False
    for path, claim in ((path, claim) for path, sources in files.items() for claim in sources.claims):
        if len(places) + len(guesses) > MAX_NAMES or len(patterns) > MAX_PATTERNS:
            return KnownClaims(places={}, is_cut=True)
        for form in forms(claim.name, values):
            literal = form.replace(ANYTHING, "").replace(ORDINAL, "")
            if literal == form and claim.is_guess:
                guesses.add(form)
            elif literal == form:
                for prefix, suffix in affixes:
                    places.setdefault(f"{prefix}{form}{suffix}", f"{path}:{claim.line}")
            elif len(literal.strip("-")) >= _LITERAL:
                patterns[form] = None
            else:
                is_anything_made = True
    compiled = tuple(map(_compiled, patterns))
    names = frozenset(name for sources in files.values() for name in sources.names)
    return KnownClaims(places, frozenset(guesses), compiled, names, is_anything_made, references=_references(files))


def _references(files: Mapping[str, ClaimSources]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for path, sources in files.items():
        for name in sources.references:
            for variable in variables_of(name):
                found.setdefault(variable, []).append((path, name))
    return {variable: tuple(places) for variable, places in found.items()}


def variable_values(files: Iterable[ClaimSources]) -> dict[str, set[str]]:
    """What variables stand for, anywhere in the repository."""
    values: dict[str, set[str]] = {}
    for sources in files:
        for variable, value in sources.variables:
            values.setdefault(variable, set()).add(value)
    return values


def _compiled(form: str) -> re.Pattern[str]:
    escaped = re.escape(form)
    return re.compile(escaped.replace(re.escape(ANYTHING), "[-a-z0-9.]+").replace(re.escape(ORDINAL), r"\d+"))
