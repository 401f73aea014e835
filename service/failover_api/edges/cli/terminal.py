"""Output on the terminal. Prompts, warnings and problems go to standard error, answers to standard output."""

import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from failover_api.core.safety.hazard import Severity, hazard_from, merged
from failover_api.edges.cli import listing, rollouts, tables
from failover_api.edges.cli.check_lines import check_lines, target_lines
from failover_api.edges.cli.waves import is_running, wave_lines
from failover_api.edges.cli.wrapping import WrappingConsole
from failover_api.edges.printable import one_line, printable

Body = dict[str, Any]

_NOTHING: Body = {}
_DIFF_STYLES = {"@": "cyan", "-": "red", "+": "green"}
_HAZARDS = {Severity.INFO: ("note", "cyan"), Severity.WARN: ("warning", "yellow"), Severity.STOP: ("stop", "bold red")}


class Terminal:
    """Standard output and error, with colours where they are terminals."""

    def __init__(self, *, as_json: bool = False, utc: bool = False) -> None:
        self._as_json, self._utc = as_json, utc
        for stream in (sys.stdout, sys.stderr):  # a letter that cannot be shown must not hide what was done
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        self.out: Console = WrappingConsole()
        self.err: Console = WrappingConsole(stderr=True)

    @property
    def can_ask(self) -> bool:
        """Whether somebody is there to answer; standard output may be a pipe."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def show_json(self, body: Body) -> None:
        plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
        sys.stdout.write(json.dumps(body, indent=2, ensure_ascii=plain) + "\n")

    @contextmanager
    def waiting(self, text: str) -> Iterator[Callable[[str], None]]:
        """Shows on a terminal what is under way; nothing of it stays. Gives what to tell the next step to."""
        if not self.err.is_terminal:
            yield lambda _: None
            return

        def line(step: str) -> Text:
            return Text(f"{one_line(step)} ...", overflow="ellipsis", no_wrap=True)

        with self.err.status(line(text)) as status:
            yield lambda step: status.update(line(step))

    def show_rows(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; without a terminal its cells are divided by tabs."""
        if self.out.is_terminal:
            self.out.print(tables.table_of(columns, rows, width=self.out.width), soft_wrap=False, crop=False)
        else:
            sys.stdout.write("".join("\t".join(row) + "\n" for row in (columns, *rows)))

    def show_names(self, names: Iterable[str]) -> None:
        sys.stdout.write("".join(f"{one_line(name)}\n" for name in names))

    def show_list(self, body: Body, output: str | None = None) -> None:
        if self._as_json:
            return self.show_json(body)
        problems = list(listing.problems_of(body))
        if output == "name":
            self.show_names(service["service"] for service in body["services"])
        elif not any(names == "" for names, _ in problems):  # else there is one thing to say, of all of them
            is_wide = output == "wide"
            rows = [listing.row(service, is_wide=is_wide, utc=self._utc) for service in body["services"]]
            self.show_rows(listing.WIDE_COLUMNS if is_wide else listing.COLUMNS, rows)
        for names, problem in problems:
            self.show_problem(problem, of=names)
        self._show_what_needs_a_look(body)
        return None

    def _show_what_needs_a_look(self, body: Body) -> None:
        if listing.is_silent(body):
            self.note("The cluster is not seen: `failover check` says why.")
        for stray in listing.strays_of(body):
            self.err.print(Text(one_line(stray), style="red"))
        for service in body["services"] if self.out.is_terminal else ():
            if pull := service.get("pull_request"):
                self.err.print(Text.assemble(f"{one_line(service['service'])}: ", tables.pull_request_line(pull)))
        if body["config_error"]:
            self.err.print(
                f"[red]the catalog's newest version is refused:[/] {escape(printable(body['config_error']))}"
            )

    def show_groups(self, body: Body, output: str | None) -> None:
        if self._as_json:
            return self.show_json(body)
        if output == "name":
            return self.show_names(group["name"] for group in body["groups"])
        if not body["groups"]:
            self.note("The catalog has no groups.")
            return None
        rows = [(one_line(group["name"]), one_line(",".join(group["services"]))) for group in body["groups"]]
        self.show_rows(("NAME", "SERVICES"), rows)
        return None

    def show_nodes(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        if not body["nodes"]:
            self.note("No node is known: no cluster is seen, and the catalog names none.")
            return None
        self.show_rows(listing.NODE_COLUMNS, [listing.node_row(node, utc=self._utc) for node in body["nodes"]])
        if all(node["state"] == "unknown" for node in body["nodes"]):
            self.note("No node is seen. Where a cluster is configured, `failover check` says why.")
        return None

    def show_automatic(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        from failover_api.edges.cli.automatic_lines import automatic_lines

        for line in automatic_lines(body, utc=self._utc):
            self.out.print(Text(line))
        return None

    def show_pause(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        from failover_api.edges.cli.automatic_lines import pause_line

        self.out.print(Text(one_line(pause_line(body, utc=self._utc))))
        return None

    def show_done(self, body: Body, text: str) -> None:
        """The body with --json, else one line."""
        if self._as_json:
            self.show_json(body)
        else:
            self.out.print(Text(one_line(text)))

    def show_status(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        self.out.print(
            Text.assemble(
                (one_line(body["service"]), "bold"),
                " is on ",
                tables.side(body["side"], "neither side"),
                f"   {one_line(body['repository'])}@{one_line(body['branch'])}, policy {body['policy']}",
            )
        )
        places = [one_line(f"{switch['file']}:{switch['line']}") for switch in body["switches"]]
        width = max(map(len, places), default=0)
        for switch, place in zip(body["switches"], places, strict=True):
            value = one_line(f"{switch['path']} = {tables.value(switch['value'])}")
            side = tables.side(switch["side"])
            side.pad_right(len("primary") - len(side))
            value += tables.expected(switch)
            self.out.print(Text.assemble("  ", side, "  ", (place.ljust(width), "dim"), f"  {value}"))
        for line in rollouts.cluster_lines(body.get("cluster"), utc=self._utc):
            self.out.print(line)
        for line in rollouts.replication_lines(body.get("replication"), utc=self._utc):
            self.out.print(line)
        if body.get("pull_request"):
            self.out.print(Text.assemble("  ", tables.pull_request_line(body["pull_request"])))
        if body.get("last_move"):
            self.out.print(Text.assemble("  last move: ", tables.move_line(body["last_move"], utc=self._utc)))
        if hazards := body.get("hazards_to", ()):
            self.note(f"If it were {'demoted' if body['side'] == 'backup' else 'promoted'} now:")
            self._show_hazards(hazards)
        return None

    def show_rollout(self, service: str, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        for line in rollouts.rollout_lines(service, body, utc=self._utc):
            self.out.print(line)
        self._show_hazards(body["hazards"])
        return None

    def show_report(self, body: Body, text: str) -> None:
        if self._as_json:
            return self.show_json(body)
        sys.stdout.write(printable(text))
        return None

    def show_history(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        if not body["entries"]:
            self.out.print("No commit changed a file of this service.")
        elif tables.has_room_for_table(body, self.out.width):
            self.out.print(tables.history_table(body, utc=self._utc), soft_wrap=False)
        else:
            for line in tables.history_lines(body, utc=self._utc):
                self.out.print(line)
        if body["next"]:
            self.err.print(Text(f"older ones: --cursor {one_line(body['next'])}", style="dim"), no_wrap=True)
        return None

    def show_outcome(self, body: Body, *, with_diff: bool, asked: Body | None = None) -> None:
        """`asked` is what was shown before the question: what it warned of has been read."""
        if self._as_json:
            return self.show_json(body)
        if with_diff and body["diff"]:
            self.show_diff(body["diff"], self.out)
        self.out.print(Text(printable(body["message"])))
        if "services" in body:
            self.out.print(tables.members_table(body, width=self.out.width), soft_wrap=False, crop=False)
        self._show_waves(body, self.out)
        if is_running(body):
            self.out.print(Text(f"operation {one_line(body['operation'])}"))
        self._show_unplaced(body)
        for commit in body.get("commits") or filter(None, [body["commit"]]):
            verified = " (signature verified by GitHub)" if commit["verified"] else ""
            self.out.print(Text(f"commit {one_line(commit['sha'])}{verified}\n{one_line(commit['url'])}", style="dim"))
        for pull in body.get("pull_requests") or filter(None, [body["pull_request"]]):
            self.out.print(tables.pull_request_line(pull))
        self._warn_of(body, known=asked or _NOTHING)
        return None

    def show_diff(self, diff: str, console: Console) -> None:
        for line in diff.split("\n")[:-1]:
            style = "bold" if line.startswith(("--- ", "+++ ")) else _DIFF_STYLES.get(line[:1], "")
            console.print(Text(printable(line.removesuffix("\r")), style=style), no_wrap=True)

    def show_checks(self, body: Body, *, quiet: bool) -> None:
        if self._as_json:
            return self.show_json(body)
        for line in check_lines(body, quiet=quiet):
            self.out.print(line)
        return None

    def show_targets(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        for line in target_lines(body):
            self.out.print(line)
        return None

    def show_suggestions(self, body: Body) -> None:
        """Entries on standard output, to be redirected; what is said of them beside it."""
        if self._as_json:
            return self.show_json(body)
        sys.stdout.write(printable(body["text"]))
        for refused in body["refused"]:
            self.note(f"not suggested: {one_line(refused['workload'])}: {refused['detail']}")
        nowhere = sum(not entry["names_node"] for entry in body["entries"])
        if nowhere:
            self.note(
                f"{nowhere} of {len(body['entries'])} name no node: of these only the claim moves, and the pod goes "
                "where the scheduler puts it. Give their manifests a nodeSelector, and run this again."
            )
        guesses = sum(entry["todo"] for entry in body["entries"])
        count = len(body["entries"])
        if not count:
            self.note("Nothing to suggest: no workload with a claim is here that the catalog has not.")
        elif guesses:
            self.note(f"{count} entries; {guesses} guesses are marked TODO: correct them, then run `failover check`.")
        return None

    def show_token(self, body: Body) -> None:
        if self._as_json:
            return self.show_json(body)
        self.err.print("The token. It is not shown again, and not kept:")
        self.out.print(Text(body["token"]))
        self.err.print("\nIts entry, to be put below `tokens:` in access.yaml:")
        self.out.print(Text(body["entry"].rstrip("\n")), no_wrap=True)
        return None

    def show_relocation(self, body: Body, *, with_diff: bool = False) -> None:
        """`with_diff`: what each step would change. Of a group or a node, all of them."""
        if self._as_json:
            return self.show_json(body)
        if with_diff:
            self._show_steps(body, self.out)
        for line in tables.relocation_lines(body):
            self.out.print(Text(one_line(line)))
        self._show_left_out(body)
        return None

    def _show_left_out(self, body: Body) -> None:
        for detail, names in _by_detail(body.get("refused", ())).items():
            self.note(f"Left out: {', '.join(names)}: {detail}")
        self._show_unplaced(body)
        for warning in body.get("warnings", ()):
            self.err.print(Text(f"warning: {printable(warning)}", style="yellow"))

    def _show_steps(self, body: Body, console: Console) -> None:
        for one in body.get("relocations", ()):
            if any(step["diff"] for step in one["steps"]):
                console.print(Text(f"{one_line(one['service'])} to {one['to']}", style="bold"))
            self._show_steps(one, console)
        for number, step in enumerate(body.get("steps", ()), 1):
            if step["diff"]:
                console.print(Text(f"{number}/{len(body['steps'])} {one_line(step['name'])}", style="bold"))
                self.show_diff(step["diff"], console)

    def ask_relocation(self, body: Body) -> bool:
        """Shows all steps, and asks."""
        self._show_steps(body, self.err)
        self._show_left_out(body)
        return self._ask(tables.relocation_question(body))

    def ask_drill(self, service: str, there: str, home: str) -> bool:
        """Asks whether an app may stand still, twice."""
        name = one_line(service)
        return self._ask(f"Relocate {name} to {there} and home to {home}? It stands still for a while, twice.")

    def show_drill(self, body: Body, lines: Iterable[str]) -> None:
        """What a drill took."""
        if self._as_json:
            return self.show_json(body)
        for line in lines:
            self.out.print(Text(printable(line)))
        return None

    def ask_whether_synced(self, body: Body) -> bool:
        """Asks a person who has to bring the data."""
        return self._ask(f"Is the data of {one_line(body['service'])} on {one_line(body['to'])}?")

    def _ask(self, question: str) -> bool:
        try:
            answer = self.err.input(f"{escape(printable(question))} \\[y/N] ")
        except EOFError:
            self.err.print()
            return False
        return answer.strip().lower() in {"y", "yes"}

    def note(self, text: str) -> None:
        """Beside the answer."""
        self.err.print(Text(printable(text), style="dim"))

    def show_problem(self, problem: Body, hint: str = "", *, of: str = "") -> None:
        """`hint` is a line on what may be done about it; `of` names services that it is about."""
        if self._as_json:
            return self.show_json(problem)
        about = f"{one_line(of)}: " if of else ""
        title = one_line(problem.get("title", "Error"))
        refused = problem.get("refused") or ()
        if problem.get("hazards"):
            self._show_unsafe(problem)
        elif len(refused) > 1 and problem.get("outcome") == "not-applied":
            self.err.print(Text(f"{len(refused)} services are refused, so none of them moves:", style="bold red"))
        else:
            self.err.print(Text.assemble((f"{about}{title}: ", "bold red"), printable(str(problem.get("detail", "")))))
        for detail, names in _by_detail(refused).items() if len(refused) > 1 else ():
            self.err.print(Text.assemble("  ", (f"{', '.join(names)}: ", "bold"), detail))
        if problem.get("outcome") == "unknown":
            self.err.print("[bold red]The change may have been made.[/]")
        if hint:
            self.err.print(Text(one_line(hint), style="dim"), no_wrap=True)
        return None

    def _show_unsafe(self, problem: Body) -> None:
        """As a dry run is shown: the diff, the sentence, the hazards; of a group each line says of whom it is."""
        self.show_diff(str(problem.get("diff", "")), self.out)
        if problem.get("message"):
            self.out.print(Text(printable(str(problem["message"]))))
        self.err.print(Text(f"{one_line(problem.get('title', 'Error'))}: nothing was written", style="bold red"))
        self._show_hazards(problem["hazards"])

    def ask(self, outcome: Body, unseen: str = "") -> bool:
        """Shows what a move would do, and what cannot be seen of it, and asks; standard output stays clean."""
        self.show_diff(outcome["diff"], self.err)
        if "services" in outcome:
            self.err.print(tables.members_table(outcome, width=self.err.width), soft_wrap=False, crop=False)
        self._show_waves(outcome, self.err)
        self._show_unplaced(outcome)
        self._warn_of(outcome)
        if unseen:
            self.err.print(Text(f"warning: {printable(unseen)}", style="yellow"))
        return self._ask(tables.question(outcome))

    def _show_waves(self, body: Body, console: Console) -> None:
        """Who goes when."""
        for line in wave_lines(body.get("waves") or ()):
            console.print(Text(line))

    def _show_unplaced(self, body: Body) -> None:
        """The services that an evacuation leaves, since nobody knows where they are."""
        if names := [one_line(name) for name in body.get("unplaced", ())]:
            self.note(
                f"Left where they are, since nobody knows their node: {', '.join(names)}. `failover status` says what "
                "is wrong with each; where nothing is, name its node in the catalog, under `nodes`."
            )

    def _warn_of(self, outcome: Body, *, known: Body = _NOTHING) -> None:
        """Of all but what is `known` already."""
        for warning in outcome.get("warnings", ()):
            if warning not in known.get("warnings", ()):
                self.err.print(Text(f"warning: {printable(warning)}", style="yellow"))
        self._show_hazards(hazard for hazard in outcome.get("hazards", ()) if hazard not in known.get("hazards", ()))

    def _show_hazards(self, bodies: Iterable[Body]) -> None:
        """Each with what to do about it; a kind that many services of a group have is said once."""
        for hazard in merged([hazard_from(body) for body in bodies]):
            word, style = _HAZARDS[hazard.severity]
            detail, cure = printable(hazard.detail), printable(hazard.cure)
            self.err.print(Text.assemble((f"{word}: {detail}", style), (f" [{one_line(hazard.slug)}]", "dim")))
            self.err.print(Text(f"  {cure}"))


def _by_detail(refused: Iterable[Body]) -> dict[str, list[str]]:
    """{why: names}, each reason once: that a node is dead is one thing, however many services it has."""
    found: dict[str, list[str]] = {}
    for one in refused:
        found.setdefault(printable(str(one["detail"])), []).append(one_line(one["service"]))
    return found
