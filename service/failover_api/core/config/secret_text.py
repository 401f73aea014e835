"""Settings and secrets as people paste them: cleaned of line ends, quotes and base64.

Needs the standard library only: the GitHub Action uses it before anything is installed.
"""

import base64
import re

_ARMOUR = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----([^-]*)-----END \1-----")


def bare(text: str) -> str:
    """A setting without what a file or a shell adds: a byte order mark, blanks, line ends, quotes around it."""
    inner = text.strip("\ufeff \t\r\n")
    if len(inner) > 1 and inner[0] == inner[-1] and inner[0] in "\"'":
        inner = inner[1:-1].strip()
    return inner


def pem_of(text: str) -> str:
    """A key in PEM form, from what people paste: in base64, in quotes, on one line, with `\\n` for line ends.

    A text that is none of these is returned unchanged.
    """
    pem = bare(text)
    if "-----BEGIN" not in pem:
        try:
            pem = bare(base64.b64decode("".join(pem.split()), validate=True).decode("ascii"))
        except ValueError:
            return text
    block = _ARMOUR.search(pem.replace("\\r", "").replace("\\n", "\n"))
    if block is None or ":" in block[2]:  # headers, as those of an encrypted key, have lines of their own
        return text
    lines = block[2].split()
    if len(lines) == 1:
        lines = [lines[0][at : at + 64] for at in range(0, len(lines[0]), 64)]
    return "\n".join((f"-----BEGIN {block[1]}-----", *lines, f"-----END {block[1]}-----", ""))
