"""The names of claims that a file's workloads are given by variables of Flux: `claimName: ${APP_CLAIM}`.

Found by the words alone: most such files are not parsed otherwise.
"""

import re
from collections.abc import Iterator
from itertools import islice

MAX_REFERENCES = 200  # of one file
_KEYS = rb"claimName|existingClaim|existingPVC|existingVolumeClaim|existingPersistentVolumeClaim"
_REFERENCE = re.compile(rb"\b(?:" + _KEYS + rb")[\"']? *: *[\"']?([^\s\"',}]*\$\{[^\s\"',]{1,120})", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-=][^${}]*)?\}")


def claim_references(data: bytes) -> tuple[str, ...]:
    """The names as they are written, each once."""
    found = (match[1].decode(errors="replace") for match in islice(_REFERENCE.finditer(data), MAX_REFERENCES))
    return tuple(dict.fromkeys(_whole(name) for name in found))


def variables_of(name: str) -> Iterator[str]:
    """The variables in a name."""
    return (match[1] for match in _VARIABLE.finditer(name))


def names_with(name: str, variable: str, value: str) -> str:
    """The name with a value for one of its variables."""
    return _VARIABLE.sub(lambda match: value if match[1] == variable else match[0], name)


def _whole(name: str) -> str:
    """Without the brace that closes the mapping around it."""
    extra = name.count("}") - name.count("${")
    return name[: len(name) - extra] if extra > 0 else name
