"""Settings and secrets as people hand them over: with line ends, in quotes, in base64.

Needs the standard library only: the action uses it before anything is installed.
"""

import base64
import re

_ARMOUR = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----([^-]*)-----END \1-----")


def bare(text: str) -> str:
    """A setting without what came along from a file or a shell: a byte order mark, blanks and line ends, quotes."""
    inner = text.strip("\ufeff \t\r\n")
    if len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "\"'":
        inner = inner[1:-1].strip()
    return inner


def pem_of(text: str) -> str:
    """A key as it should stand in its file: people have it in base64, in quotes, on one line, with `\\n` for line ends.

    What is not understood is given back as it is.
    """
    pem = bare(text)
    if "-----BEGIN" not in pem:
        try:
            pem = bare(base64.b64decode("".join(pem.split()), validate=True).decode("ascii"))
        except ValueError:
            return text
    found = _ARMOUR.search(pem.replace("\\r", "").replace("\\n", "\n"))
    if found is None or ":" in found[2]:  # headers, as those of an encrypted key, have lines of their own
        return text
    lines = found[2].split()
    if len(lines) == 1:
        lines = [lines[0][at : at + 64] for at in range(0, len(lines[0]), 64)]
    return "\n".join((f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""))
