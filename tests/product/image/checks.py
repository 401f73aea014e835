"""What a cluster relies on, each as a claim about the image or about a container of it that runs."""

import json
import signal
import statistics
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.product.image import engine
from tests.product.image.engine import Container
from tests.product.image.stage import MOUNTED, SERVICE, Stage
from tests.support.project import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
INSIDE = Path(__file__).with_name("inside.py")
TIMES = 3
NO_CAPABILITIES = "0" * 16


@dataclass(frozen=True, slots=True)
class Claim:
    """What was claimed and what was seen; `ok` is None for a figure that nobody promised."""

    what: str
    seen: object
    ok: bool | None = None

    def __str__(self) -> str:
        verdict = {None: "      ", True: "ok    ", False: "FAILED"}[self.ok]
        return f"{verdict} {self.what}: {self.seen}"


def equal(what: str, seen: object, wanted: object) -> Claim:
    return Claim(what, seen if seen == wanted else f"{seen}, expected {wanted}", seen == wanted)


def of_the_image(image: str, base: str) -> Iterator[Claim]:
    """What its manifest says."""
    about, below = json.loads(engine.output("podman", "image", "inspect", image, base))
    config: dict[str, Any] = about["Config"]
    yield Claim("size", f"{about['Size'] / 1e6:.0f} MB, {below['Size'] / 1e6:.0f} of it the base; not compressed")
    yield equal("user", config["User"], "1000:1000")
    yield equal("entry point", config["Entrypoint"], ["failover"])
    yield equal("command", config["Cmd"], ["serve", "--host", "0.0.0.0", "--port", "8080"])  # noqa: S104 - compared
    yield equal("port", list(config["ExposedPorts"]), ["8080/tcp"])
    yield equal("signal to stop", about["Config"].get("StopSignal"), "SIGTERM")
    yield equal("health check", about.get("Healthcheck"), None)
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items() if ".image." in key}
    yield equal("labels", sorted(labels), ["description", "licenses", "revision", "source", "title", "version"])
    yield equal("label of the version", labels["version"], VERSION)


def of_the_inside(image: str) -> Iterator[Claim]:
    """What a process in it can do and finds."""
    yield equal("failover --version", engine.run(image, "--version").strip(), f"failover-api {VERSION}")
    probe = ("-c", INSIDE.read_text(encoding="utf-8"))
    found = json.loads(engine.run(image, *probe, options=("--entrypoint=python",)))
    yield equal("runs as, in groups", [found["uid"], found["groups"]], [1000, [1000]])
    yield equal("folder", found["folder"], "/app")
    yield equal("folders that can be written", found["writable"], ["/tmp"])  # noqa: S108 - in the container
    yield equal("build tools", found["tools"] + found["packages"], [])
    yield equal(f"sources compiled or files written to import {found['modules']} modules", found["unready"], [])
    yield Claim("the same for one without byte code", found["control"], len(found["control"]) > 1)


def of_the_service(image: str, stage: Stage) -> Iterator[Claim]:
    """`failover serve` in it, from its start to its end."""
    with engine.running(image, *stage.words, options=stage.options) as container:
        yield Claim("ready after", f"{stage.wait_ready(container):.2f} s")
        yield from _of_process_1(container)
        key = container.execute("stat", "-c", "%a %u:%g", f"{MOUNTED}/app.pem").strip()
        yield equal("the App's key, as the kubelet mounts it", key, "440 0:1000")
        checked = json.loads(container.execute("failover", "check", "--json"))
        failed = [check for check in checked["checks"] if not check["ok"]]
        yield Claim("failover check, in the container", failed or f"{len(checked['checks'])} checks", checked["ok"])
        yield from _of_a_promote(stage)
        code, took_s = container.terminate()
        yield equal(f"exit code after SIGTERM, {took_s:.2f} s later", code, 0)
        log = container.log().splitlines()
        yield Claim("its log is JSON", f"{len(log)} lines", all(line.startswith("{") for line in log) and bool(log))


def of_an_early_end(image: str, stage: Stage) -> Iterator[Claim]:
    """A SIGTERM while it starts, as when a rollout is undone: nobody waits for the grace period."""
    with engine.running(image, *stage.words, options=stage.options) as container:
        while not container.hears(signal.SIGTERM):
            time.sleep(0.005)
        yield Claim("SIGTERM is heard after", f"{container.age_s:.2f} s")
        yield equal("exit code after SIGTERM then", container.terminate()[0], 128 + signal.SIGTERM)


def _of_process_1(container: Container) -> Iterator[Claim]:
    status = container.status()
    yield equal("failover is process 1", [status["Name"], status["NSpid"].split()[-1]], ["failover", "1"])
    yield equal("its user and group", {*status["Uid"].split(), *status["Gid"].split()}, {"1000"})
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        yield equal(f"its capabilities, {kind}", status[kind], NO_CAPABILITIES)
    yield Claim("its memory", f"{int(status['VmRSS'].split()[0]) / 1024:.0f} MB")


def _of_a_promote(stage: Stage) -> Iterator[Claim]:
    before = stage.ask(f"/api/failover/{SERVICE}")["side"]
    outcome = stage.ask(f"/api/failover/{SERVICE}/promote?reason=trying", "POST")
    after = stage.ask(f"/api/failover/{SERVICE}")["side"]
    yield equal(f"{SERVICE} is promoted", [before, outcome["changed"], after], ["primary", True, "backup"])
    yield equal("its commit is on the branch", outcome["commit"]["sha"], stage.sandbox.head())


def of_byte_code(image: str, stage: Stage) -> Iterator[Claim]:
    """How long it takes to be ready, with its byte code and when that is looked for elsewhere."""
    for what, options in (("with", ()), ("without", ("--env=PYTHONPYCACHEPREFIX=/nowhere",))):
        taken = [_ready_s(image, stage, options) for _ in range(TIMES)]
        waited_s, used_s = map(statistics.median, zip(*taken, strict=True))
        yield Claim(f"ready {what} byte code", f"{waited_s:.2f} s, {used_s:.2f} s of a core (medians of {TIMES})")


def _ready_s(image: str, stage: Stage, options: tuple[str, ...]) -> tuple[float, float]:
    with engine.running(image, *stage.words, options=(*stage.options, *options)) as container:
        return stage.wait_ready(container), container.processor_s
