"""Text from outside, escaped where a program would act on it: in a commit, a pull request, a chat.

    escape_for_git()    for Git and its hosts: mentions, references that close issues, words that skip CI, trailers
    escape_markup()     for a chat or a mail: Markdown, HTML, mentions

escape_for_git() puts an invisible character between letters, and unescape_for_git() removes it again. one_line() lets
no such character in, so the text is read back exactly. escape_markup() replaces signs of markup by others that look
alike.

The time of each expression is linear in the text: a diff may have a line of a mebibyte.
"""

import re

WORD_JOINER = "\u2060"  # a word joiner has no width, and nothing breaks there

# https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
# https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
_AFTER = re.compile(
    r"(?<![A-Za-z0-9])@(?=\w)"  # @user, @org/team; not in an address or a digest
    r"|#(?=\w)"  # closes #12, acme/tea#12, PROJ-1 #done
    r"|(?<![A-Za-z0-9])gh-(?=[0-9])"
    r"|\[(?=[^\[\]\n]{0,40}(?:skip|\bno\b|\bci\b))"  # [skip ci], [ci skip], [no ci], [skip actions]
    r"|(?<![A-Za-z0-9])no(?=_ci(?![A-Za-z0-9]))"  # ***NO_CI***
    r"|(?<![A-Za-z0-9])(?:close|fix|resolv)(?=(?:e?[sd])?(?:e)?[\s:]+https?:)",
    re.IGNORECASE,
)
# Trailers that hosts and release tools act on, where a host breaks the line before them.
_KEY = re.compile(
    r"(?:(?:signed-off|co-authored|co-developed|acked|approved|reviewed|reported|suggested|tested)-by|"
    r"on-behalf-of|skip-checks|breaking[ -]change|change-id|release-as|failover-[a-z-]{1,40})(?= ?:)",
    re.IGNORECASE,
)


def escape_for_git(text: str) -> str:
    """The same to the eye, but no Git host acts on it."""
    return _KEY.sub(_joined, _AFTER.sub(_joined, text))


def unescape_for_git(text: str) -> str:
    """The inverse of escape_for_git()."""
    return text.replace(WORD_JOINER, "")


def _joined(match: re.Match[str]) -> str:
    return match[0] + WORD_JOINER


_LOOKALIKES = str.maketrans(
    {
        "*": "\u2217",
        "`": "\u02cb",
        "<": "\u2039",
        ">": "\u203a",
        "[": "\uff3b",
        "]": "\uff3d",
        "~": "\u223c",
        "|": "\u2223",
    }
)
_LOW_LINE = "\u02cd"
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_SIGNS = re.compile(
    r"@(?=\S)"  # @everyone, @**all**
    r"|#(?![0-9])"  # a heading, a channel, a hashtag; a number is the pull request we speak of
    r"|&(?=[#\w])"  # &lt;
    r"|:(?=[A-Za-z_+-][A-Za-z0-9_+-]*:)"  # :tada:
    r"|\$(?=\$)"
)
_LINE_START = re.compile(r"^(?=[ \t]*(?:[-+=]|[0-9]{1,9}[.)]))", re.MULTILINE)


def escape_markup(text: str) -> str:
    """Nearly the same to the eye, but no chat or mail program takes it for markup, or mentions anybody."""
    plain = _EMPHASIS.sub(_LOW_LINE, text.translate(_LOOKALIKES))
    return _LINE_START.sub(WORD_JOINER, _SIGNS.sub(_joined, plain))
