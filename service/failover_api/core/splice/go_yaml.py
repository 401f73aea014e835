"""Where go-yaml, with which `kubectl` and Flux read manifests, differs from the readers used here.

go-yaml was ported from libyaml 0.1, which is also the C reader of ruamel.yaml. Every known difference is handled here:
what only go-yaml reads is made readable, what go-yaml refuses or reads otherwise is refused.
Before go-yaml, `kubectl` and Flux cut a file at its `---` lines, and read one document of each piece.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from failover_api.errors import ParseError

_BREAKS = "\r\n\x85\u2028\u2029"
# https://github.com/kubernetes-sigs/kustomize/blob/master/kyaml/kio/byteio_reader.go, splitDocuments
_SEPARATOR = re.compile(r"\n---([^\n]*)\n")
_END_OF_NOTHING = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+\.\.\.(?!\S)")
_MARK_ON_NEW_LINE = re.compile(f"[{_BREAKS}]\ufeff")
# Behind what can end another token a colon may be an indicator, and a URI in a tag or directive is no scalar's.
_COLONS = re.compile(
    rf"^%.*|!<[^<>\s]*>|(?<![^\s\[{{,])![^\s,\[\]{{}}]+|(?<=[^\s\[\]{{}},:?\"']):+(?=[^ \t{_BREAKS}])", re.MULTILINE
)
_REST_OF_QUOTED = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_QUOTED_IN_LINE = re.compile(r'"(?:[^"\\\n]|\\.)*+"?')  # or a guess at it, which Disguise looks at again
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_PRIVATE_USE = range(0xE000, 0xF900)
_ESCAPED_LETTER = re.compile(r"\\(?:u|U0000)([0-9a-fA-F]{4})")
_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_JSON_ESCAPE = re.compile(rf"(?<!\\)(?:\\\\)*(\\/|{_HALF.pattern})")
_READ_AGAIN = 4_000_000  # characters, at most, of a text that is read several times


def separators(text: str, file: str) -> list[int]:
    """Where the `---` lines begin. Raises ParseError when the text, cut there, is not YAML or is read otherwise."""
    matches = list(_SEPARATOR.finditer(text)) if "\n---" in text else []
    for match in matches:
        rest = match[1].strip()
        if rest and not rest.startswith("#"):
            detail = f"has {rest[:40]!r} on the line of a `---`, which kubectl and Flux refuse: put it on the next line"
            raise _refusal(text, file, match.start() + 1, detail)
        if _END_OF_NOTHING.match(text, match.end()):
            raise _refusal(
                text, file, match.end(), "has nothing between `---` and `...`, which kubectl and Flux refuse"
            )
    if "\ufeff" in text:
        _check_marks(text, file, {match.end() for match in matches})
    return [match.start() for match in matches]


def without_marks(text: str) -> str:
    """The text without the byte order marks at the beginning of a piece.

    No position changes: each mark and the line feed before it become a CR LF.
    """
    return text.replace("\n\ufeff", "\r\n") if "\ufeff" in text else text


def is_read(cuts: Sequence[int], documents: Sequence[tuple[int, bool]]) -> Iterator[bool]:
    """Of each document, whether it is read: only the first one of a piece is.

    A document is given as (where its `---` ends, whether it is empty). An empty one may be nothing but the separator.
    """
    taken = -1
    for end, empty in documents:
        piece = bisect_left(cuts, end)
        yield piece != taken
        if not (empty and piece and cuts[piece - 1] == end - len("\n---")):
            taken = piece


class Placeholders:
    """A text with placeholders in scalars for characters that go-yaml accepts there and libyaml 0.1 does not.

    These are a colon inside a plain scalar in brackets or braces, and an escaped apostrophe in double quotes. A
    placeholder is a private-use character that the text does not contain, not even as an escape. No position changes.
    """

    def __init__(self, text: str) -> None:
        taken = {*text, *(chr(int(code, 16)) for code in _ESCAPED_LETTER.findall(text))}
        free = (chr(code) for code in _PRIVATE_USE if chr(code) not in taken)
        self.colon, self.apostrophe = next(free, ""), next(free, "")
        self.text = self._original = text
        self._guesses, self._has_guessed = True, False  # at strings in double quotes, where no reader has been yet
        self.tries = min(8, _READ_AGAIN // (len(text) + 1)) if self.apostrophe else 0

    def can_hide(self, problem: str, place: int) -> bool:
        """Whether this is a problem that a placeholder solves."""
        at, after = self.text[place : place + 1], self.text[place + 1 : place + 2]
        is_colon = problem == "found unexpected ':'" and at == ":"
        return is_colon or (problem == "found unknown escape character" and after == "'")

    def hide(self, problem: str, place: int) -> bool:
        """Puts placeholders where a reader stopped, and at similar places. False when that cannot help any more."""
        self.tries -= 1
        if self.tries < 0 or not self.can_hide(problem, place):
            return False
        before, after = self.text[:place], self.text[place + 1 :]
        if problem == "found unexpected ':'":
            self.text = _COLONS.sub(self._hide_colons, before + self.colon + after)
        else:
            rest = _REST_OF_QUOTED.match(self.text, place)
            end = rest.end() if rest else place
            self.text = before + _ESCAPE.sub(self._hide_apostrophe, self.text[place:end]) + self._guessed(end)
        return True

    def take_back_guesses(self) -> bool:
        """Starts again from the original text, without guesses. False when there were none."""
        had, self._guesses, self._has_guessed = self._has_guessed, False, False
        self.text = self._original
        return had

    def _guessed(self, end: int) -> str:
        """The text from the end of a string on."""
        behind = self.text[end + 1 :]
        if self._guesses:
            behind = _QUOTED_IN_LINE.sub(self._hide_apostrophes, behind)
            self._has_guessed = True
        return self.text[end : end + 1] + behind

    def restore(self, value: str, style: str) -> str | None:
        """A scalar's value without placeholders; None when one of them has hidden the end of the scalar."""
        if self.apostrophe in value and style == "'":
            return None
        escaped = "'" if style == '"' else r"\'"
        return value.replace(self.colon, ":").replace(self.apostrophe * 2, escaped)

    def _hide_colons(self, match: re.Match[str]) -> str:
        return self.colon * len(match[0]) if match[0].startswith(":") else match[0]

    def _hide_apostrophes(self, match: re.Match[str]) -> str:
        return _ESCAPE.sub(self._hide_apostrophe, match[0]) if r"\'" in match[0] else match[0]

    def _hide_apostrophe(self, match: re.Match[str]) -> str:
        return self.apostrophe * 2 if match[0] == r"\'" else match[0]


def may_have_json_escapes(text: str) -> bool:
    """A cheap test, before tokens are checked."""
    return "\\/" in text or ("\\u" in text and _HALF.search(text) is not None)


def check_escapes(text: str, file: str, quoted: Iterator[tuple[int, int]]) -> None:
    """Raises ParseError for an escape in double quotes that JSON knows and go-yaml refuses."""
    for start, end in quoted:
        if found := _JSON_ESCAPE.search(text, start, end):
            raise _refusal(text, file, found.start(1), f"is not YAML: {about_escape(found[1])}")


def about_escape(escape: str) -> str:
    """Why an escape is refused, and by whom."""
    what, instead = (r"\/", "/") if escape == r"\/" else (f"{escape}, half of a character,", "the character itself")
    return f"{what} is for readers of JSON; the YAML reader of kubectl kustomize and Flux refuses it: write {instead}"


def half_character(text: str, place: int) -> str | None:
    """The escape of half a character that a reader stopped in, if it did: behind its `\\u`."""
    match = _HALF.match(text, max(place - 2, 0))
    return match[0] if match else None


def _check_marks(text: str, file: str, allowed: set[int]) -> None:
    for found in _MARK_ON_NEW_LINE.finditer(text):
        if found.end() - 1 not in allowed:
            detail = "is not YAML: a byte order mark inside the text is a letter to kubectl and Flux"
            raise _refusal(text, file, found.end() - 1, detail)


def _refusal(text: str, file: str, place: int, detail: str) -> ParseError:
    return ParseError(detail, file=file, line=text.count("\n", 0, place) + 1)
