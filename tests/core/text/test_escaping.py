"""Text from outside acts on nothing, is read by people as it was given, and comes back from Git exactly so."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import checked_reason
from failover_api.core.text.commit_message import commit_message
from failover_api.core.text.escaping import WORD_JOINER, escape_for_git, escape_markup, unescape_for_git
from failover_api.core.text.pull_request import pull_request_text, superseded_text
from failover_api.core.text.trailers import read_records
from failover_api.errors import BadRequest
from tests.support.builders import change, plan_of, provenance
from tests.support.markdown import MARKDOWN

ROOT = "https://github.com/acme/homelab"
ASKED = provenance()
SONARR = plan_of(change("spec.role", "primary", "backup"))

# What a host of Git, or a program that reads commits, acts on.
LIVE = re.compile(
    r"(?<![A-Za-z0-9])@\w"
    r"|#\w"
    r"|(?<![A-Za-z0-9])gh-[0-9]"
    r"|\[(skip|no) ?[a-z-]+\]|\[[a-z-]+ skip\]|no_ci"
    r"|(?<![A-Za-z-])(skip-checks|signed-off-by|co-authored-by|on-behalf-of|breaking[ -]change|failover-[a-z-]+) ?:"
    r"|\b(close[sd]?|fix(e[sd])?|resolve[sd]?)[\s:]+https?:",
    re.IGNORECASE,
)
TRIGGERS = [
    "closes #12", "Fixes: #12", "resolved acme/tea#12", "fix GH-12", "closes gh-12",
    "close https://github.com/acme/tea/issues/12", "FIXES:  https://github.com/acme/tea/issues/12",
    "@maria look", "@acme/ops", "(@acme/ops)", "\u00e9@maria", "_@maria_",
    "[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[Actions Skip]", "[skip-ci]", "***NO_CI***",
    "skip-checks:true", "skip-checks: true", "Signed-off-by: Eve <eve@evil.example>", "Co-authored-by: Eve <e@x>",
    "on-behalf-of: @acme", "BREAKING CHANGE: all of it", "BREAKING-CHANGE: all of it", "Failover-To: backup",
    "PROJ-1 #done",
]  # fmt: skip
READABLE = [
    "k3s-w1 is down",
    "\u505c\u96fb \U0001f525",
    "user@example.com",
    "tea@sha256:ab",
    "a_b",
    "C# or F#",
    "50 %",
    "volumes[name=data]",
]


def reading(text: str) -> str:
    """The parts of a commit's message, or a body, that are not trailers of ours."""
    return re.sub(r"(?m)^Failover-[A-Za-z-]+: ", "", text)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_acts_on_nothing_and_comes_back(trigger: str) -> None:
    assert LIVE.search(trigger), "the test knows it"
    assert not LIVE.search(escape_for_git(trigger)), ascii(escape_for_git(trigger))
    assert escape_for_git(trigger).replace(WORD_JOINER, "") == unescape_for_git(escape_for_git(trigger)) == trigger


@pytest.mark.parametrize("text", READABLE)
def test_what_acts_on_nothing_stays_as_it_is(text: str) -> None:
    assert escape_for_git(text) == text


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_no_commit_and_no_body_acts_on_a_reason_a_name_or_a_value(trigger: str) -> None:
    change = replace(SONARR.changes[0], new=trigger, file=f"apps/{trigger}.yaml")
    plan = replace(SONARR, changes=(change,))
    provenance = replace(ASKED, reason=trigger, by=trigger)
    title, body = pull_request_text([(plan, provenance)], at="0" * 40, root=ROOT)
    for text in (commit_message([(plan, provenance)]), title, body, superseded_text(trigger, Action.PROMOTE, "sonarr")):
        links_gone = re.sub(r"\]\(\S+\)", "]", reading(text))
        assert not LIVE.search(links_gone), ascii(links_gone)
    for text in (commit_message([(plan, provenance)]), body):
        (record,) = read_records(text)
        assert (record.provenance.reason, record.provenance.by) == (trigger, trigger)


REASONS = st.lists(
    st.sampled_from([*TRIGGERS, *READABLE, "@", "#", "[", "]", " ", ":", "no", "_ci", "skip", "-", "Reason: "])
    | st.text(max_size=6),
    max_size=8,
).map("".join)


@given(REASONS, REASONS)
def test_any_reason_comes_back_exactly_and_acts_on_nothing(one: str, other: str) -> None:
    provenance = []
    for number, reason in enumerate((one, other)):
        try:
            provenance.append(replace(ASKED, reason=checked_reason(reason[:200]), operation=f"01JD{number}"))
        except BadRequest:
            return
    plans = [(replace(SONARR, service=replace(SONARR.service, name=f"s{n}")), one) for n, one in enumerate(provenance)]
    for moves in (plans[:1], plans):
        _, body = pull_request_text(moves, at="0" * 40, root=ROOT)
        for text in (commit_message(moves), body):
            assert [record.provenance.reason for record in read_records(text)] == [one.reason for _, one in moves]
            assert not LIVE.search(re.sub(r"\]\(\S+\)", "]", reading(text)))


# In a chat or a mail

MARKUP = [
    "@everyone", "x@here", "@**all**", "<@123>", "<!channel>", "<http://evil.example|bank>", "[text](https://evil.example)",
    "![x](https://evil.example/x.png)", "[x]: https://evil.example", "*bold*", "**bold**", "_it_", "__it__", "`code`",
    "```", "~~gone~~", "||spoiler||", "# Title", "> quote", "- item", "+ item", "1. item", "2) item", "---", "===",
    "<b>w1</b>", "<script>x</script>", "&lt;b&gt;", "&#64;everyone", ":tada:", "#channel", "$$x$$", "~town-square",
]  # fmt: skip
CHATTED = re.compile(
    r"@\S|<\S|\*|`|~|\||\]\(|\[[^\]]*\]:|#(?![0-9])(?!\u2060)|&[#\w]|:[a-z]+:|\$\$|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_chat_is_letters(text: str) -> None:
    for line in (text, f"Asked for by maria: {text}", f"moved\n{text}"):
        shown = escape_markup(line)
        assert not CHATTED.search(shown.replace(f"@{WORD_JOINER}", "")), ascii(shown)
        kinds = {token.type for token in MARKDOWN.parse(shown)}
        assert kinds == {"paragraph_open", "inline", "paragraph_close"}, kinds
        inside = {child.type for token in MARKDOWN.parse(shown) for child in token.children or ()}
        assert inside <= {"text", "softbreak"}, inside


@pytest.mark.parametrize(
    "text",
    ["k3s-w1 is down", "#12", "a_b.yaml:12", "04:00:00Z", "system:masters", "50 %", "it's up: see pull request #12"],
)
def test_plain_words_are_told_as_they_are(text: str) -> None:
    assert escape_markup(text) == text


@given(REASONS | st.sampled_from(MARKUP))
def test_nothing_tells_everybody(text: str) -> None:
    shown = escape_markup(text)
    assert not re.search(r"@[^\s\u2060]", shown)
    assert not set(shown) & set("*`<>[]~|")


def test_time_grows_as_the_text() -> None:
    for piece in ("@", "[", "close ", "#", "failover-", "_", ":a", "[skip", "a-", "closes     ", "1"):
        escape_for_git(piece * 200_000)
        escape_markup(piece * 200_000)
