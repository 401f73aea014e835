"""`python3 -m failover_api.edges.job`: one step of a job. Its exit code is that of `failover`."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from failover_api.core.untrusted_json import parse_json
from failover_api.edges.job.credentials import environment
from failover_api.edges.job.inputs import StepInputs, read_inputs
from failover_api.edges.job.report import Answer, report
from failover_api.edges.job.runner import Runner
from failover_api.edges.job.runtime import SOURCE, Runtime, find_runtime
from failover_api.edges.problems import problem
from failover_api.errors import BadRequest, FailoverError, InternalError

FAILED, USAGE = 1, 2
_PREFIX = "INPUT_"


def main(environ: Mapping[str, str]) -> int:
    """Reads the inputs, calls `failover`, reports; returns the exit code."""
    runner = Runner(environ)
    inputs = {
        name.removeprefix(_PREFIX).lower().replace("_", "-"): value.strip() if name != "INPUT_REASON" else value
        for name, value in environ.items()
        if name.startswith(_PREFIX)
    }
    wanted = None
    try:
        wanted = read_inputs(inputs)
        runtime = find_runtime(environ, runner)
        with environment(inputs, environ, runner, is_remote=wanted.is_remote) as said:
            answer = call(wanted, runtime, {**said, **runtime.environ}, runner)
    except FailoverError as exc:
        answer = Answer(problem(exc, instance=None), USAGE if isinstance(exc, BadRequest) else FAILED)
    report(wanted, answer, runner)
    return answer.code


def call(wanted: StepInputs, runtime: Runtime, environ: Mapping[str, str], runner: Runner) -> Answer:
    """Runs the command to its end; what it says besides its answer goes to the log."""
    with runner.quoting():
        command = [*runtime.words, *wanted.words]
        try:
            child = subprocess.Popen(  # noqa: S603 - a list of words, and no shell
                command, env=dict(environ), cwd=SOURCE, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            )
        except OSError as exc:
            raise BadRequest(f"FAILOVER_COMMAND: {runtime.words[0]} cannot be run ({exc.strerror})") from exc
        with child:
            _pass_on_cancel(child)
            text = (child.stdout.read() if child.stdout else "").strip()
    return _answer(text, child.returncode)


def _pass_on_cancel(child: "subprocess.Popen[str]") -> None:
    """A run that is cancelled still says what became of its move: the command answers the interrupt."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        child.send_signal(signal.SIGINT)

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, interrupt)


def _answer(text: str, code: int) -> Answer:
    body = _parsed(text)
    if body is not None and ("changes" in body or (code and "type" in body)):
        return Answer(body, code)
    if code == USAGE:
        return Answer(problem(BadRequest("failover refused its words; the log says why"), instance=None), USAGE)
    silent = InternalError(f"failover ended with code {code} and gave no answer; the log may say more")
    return Answer(problem(silent, instance=None), code if code > 0 else FAILED)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        body = parse_json(text)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


if __name__ == "__main__":
    sys.exit(main(os.environ))
