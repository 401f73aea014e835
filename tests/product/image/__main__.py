"""python -m tests.product.image [--stand-in] [--fresh]: builds the image with buildah, runs it with podman, checks it.

The service in it moves a service of the sandbox. Exit code 1 when a claim fails, 2 when this machine lacks something.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator

from tests.product.image import checks, engine, stand_in
from tests.product.image.checks import Claim
from tests.product.image.engine import Trouble
from tests.product.image.stage import open_stage
from tests.support.project import ROOT

BASE = "python:3.13-slim"


def main(*words: str) -> int:
    options = _options(words)
    if lacks := engine.missing(stand_in=options.stand_in):
        sys.stderr.write(f"The image cannot be built and run here. Missing: {', '.join(lacks)}.\n")
        return 2
    failed = 0
    try:
        for claim in _claims(options):
            failed += claim.ok is False
            sys.stdout.write(f"{claim}\n")
            sys.stdout.flush()
    except Trouble as trouble:
        sys.stderr.write(f"{trouble}\n")
        return 1
    sys.stdout.write(f"{failed} claims failed\n" if failed else "every claim holds\n")
    return int(failed > 0)


def _options(words: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.product.image", description="Builds, runs and checks the image."
    )
    parser.add_argument("--base", default=BASE, help=f"the base image, {BASE} unless given")
    parser.add_argument(
        "--stand-in", action="store_true", help="a base made on this machine, where no registry answers"
    )
    parser.add_argument("--fresh", action="store_true", help="use no layer of an earlier build")
    return parser.parse_args(words)


def _claims(options: argparse.Namespace) -> Iterator[Claim]:
    base, tag = options.base, "localhost/failover-api:checked"
    if options.stand_in:
        base, tag = stand_in.make(), "localhost/failover-api:on-a-stand-in"
        yield Claim("base", f"A STAND-IN for {BASE}: Debian from debootstrap and this machine's own CPython")
    arguments = {"BASE": base, "VERSION": checks.VERSION, "REVISION": _revision()}
    yield Claim("load of this machine", f"{os.getloadavg()[0]:.1f}, of {os.cpu_count()} cores")
    took_s = engine.build(tag, arguments, fresh=options.fresh)
    yield Claim("built in", f"{took_s:.0f} s{', from nothing' if options.fresh else ''}")
    yield from checks.of_the_image(tag, base)
    yield from checks.of_the_inside(tag)
    with open_stage() as stage:
        yield from checks.of_the_service(tag, stage)
        yield from checks.of_an_early_end(tag, stage)
        yield from checks.of_byte_code(tag, stage)


def _revision() -> str:
    """The commit that is built, "" where there is no Git."""
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
