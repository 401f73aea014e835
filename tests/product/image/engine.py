"""buildah and podman: what this machine lacks, and the commands that are used."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, STDOUT

from tests.support.project import ROOT

LIMIT_S = 900.0

# What a pod of ours is given; and the host's network, since the sandbox listens on this machine's loopback only.
CONFINED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)


class Trouble(Exception):
    """What could not be done."""


def missing(*, stand_in: bool, which: Callable[[str], str | None] = shutil.which, uid: int | None = None) -> list[str]:
    """What this machine lacks."""
    needed = [("buildah",), ("podman",), ("runc", "crun"), *([("debootstrap",), ("chroot",)] if stand_in else [])]
    lacks = [" or ".join(names) for names in needed if not any(map(which, names))]
    if (os.geteuid() if uid is None else uid) != 0:
        lacks.append("root (it mounts a key of root and group 1000, as the kubelet does)")
    return lacks


def output(*command: str | Path) -> str:
    """What a command prints. Raises Trouble with what it complained of."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode:
        complaint = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Trouble(f"{' '.join(words[:2])} ended with exit code {done.returncode}:\n{complaint}")
    return done.stdout


def build(tag: str, arguments: Mapping[str, str], *, fresh: bool) -> float:
    """Builds the Dockerfile as it is; gives the seconds that took. `fresh`: no layer of an earlier build is used."""
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    options.append("--no-cache" if fresh else "--layers")
    began = time.monotonic()
    output("buildah", "build", "--isolation=chroot", "--network=host", f"--tag={tag}", *options, ROOT)
    return time.monotonic() - began


def run(image: str, *words: str, options: tuple[str, ...] = ()) -> str:
    """Runs the image, confined, to its end; gives what it prints."""
    return output("podman", "run", "--rm", *_runtime(), *CONFINED, *options, image, *words)


@dataclass(frozen=True, slots=True)
class Container:
    """One that runs. `process` is its process 1, as this machine counts."""

    name: str
    process: int

    @property
    def age_s(self) -> float:
        """Since process 1 began."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self._stat_s(19)

    @property
    def processor_s(self) -> float:
        """What process 1 has used of a core: a busy machine makes it wait, and changes little here."""
        return self._stat_s(11) + self._stat_s(12)

    def _stat_s(self, field: int) -> float:
        """A field of stat that counts ticks, in seconds; 0 is the one after the name."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[field]) / os.sysconf("SC_CLK_TCK")

    def status(self) -> dict[str, str]:
        """What the kernel says of process 1: Uid, CapEff, NoNewPrivs..."""
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    def hears(self, signum: int) -> bool:
        """Whether process 1 has a handler for it: without one the kernel drops it."""
        return bool(int(self.status()["SigCgt"], 16) >> (signum - 1) & 1)

    def execute(self, *words: str) -> str:
        """What a command in it prints."""
        return output("podman", "exec", self.name, *words)

    def log(self) -> str:
        """What it wrote, on both streams."""
        command = ["podman", "logs", self.name]
        return subprocess.run(command, stdout=PIPE, stderr=STDOUT, text=True, check=True, timeout=LIMIT_S).stdout

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; gives the exit code and the seconds until process 1 was gone."""
        began = time.monotonic()
        os.kill(self.process, signal.SIGTERM)
        while Path(f"/proc/{self.process}").exists() and time.monotonic() - began < LIMIT_S:
            time.sleep(0.005)
        took_s = time.monotonic() - began
        return int(output("podman", "wait", self.name)), took_s


@contextlib.contextmanager
def running(image: str, *words: str, options: tuple[str, ...] = ()) -> Iterator[Container]:
    """The image in the background, confined; gone at the end, whatever happened."""
    name = output(
        "podman", "run", "--detach", "--log-driver=k8s-file", *_runtime(), *CONFINED, *options, image, *words
    ).strip()
    try:
        yield Container(name, int(output("podman", "inspect", "--format", "{{.State.Pid}}", name)))
    finally:
        output("podman", "rm", "--force", "--time", "0", name)


def _runtime() -> tuple[str, ...]:
    """No cgroup for conmon and no limit raised, so that it runs in a container too."""
    limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
    return ("--network=host", "--cgroups=no-conmon", *limits, *(("--runtime=runc",) if shutil.which("runc") else ()))
