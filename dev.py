"""What a developer runs: makes .venv once, then does the work in it.

    python3 dev.py setup | demo | test | check | docs | bench | screenshots | lock | matrix | image | notes [arguments]

Standard library only. It must still parse on Python 3.7, to say which Python it needs there.
A refusal is one sentence on stderr and exit code 2.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "dev.txt"
OLDEST = (3, 11)
DECLARED = ("3.14", "3.13", "3.12", "3.11")  # as pyproject.toml's classifiers; tests/product/test_dev.py compares
# All tests, a file on each core, and one more while others wait for time to pass. With arguments they run one by one,
# so that -s, -x and a debugger work.
PARALLEL = ("-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile", "-q")
SITE = ROOT / ".site"  # as in mkdocs.yml
SHOWN = (  # in the site; what is no page is there to be linked to
    "*.md",
    "LICENSE",
    "action.yml",
    "docs/**/*.md",
    "docs/images/*",
    "docs/site.css",
    "bench/RESULTS.md",
    "tests/README.md",
    "config/*",
    "examples/*",
    "manifests/**/*.yaml",
    "clusters/**/*.yaml",
)
LOCKS = {  # file in requirements/ -> what `uv export` puts there
    "runtime.txt": ("--no-dev",),
    "image.txt": ("--no-dev", "--extra", "notify"),
    "build.txt": ("--only-group", "build"),
    "dev.txt": ("--all-extras", "--all-groups"),
}


class Refused(Exception):
    """What cannot be done and what to do about it, in one sentence."""


def setup(venv: Path = VENV, python: str = "") -> Path:
    """Make the virtual environment, or keep the one that fits the lock; return its Python.

    The stamp is written last, so an environment whose making was interrupted is made again.
    """
    base = os.path.realpath(python or getattr(sys, "_base_executable", sys.executable))
    stamp, inside, wanted = venv / "made-from", venv / "bin" / "python", fingerprint(base)
    if inside.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return inside
    for tool in filter(None, (shutil.which("uv"), "pip")):  # pip too after uv failed: its certificates and index differ
        if tool == "pip":
            require_venv(base)
        say(f"Making {venv.name} for {base}, once.")
        wait = "a minute" if tool == "pip" else "half a minute"
        say(f"Installing {locked_packages()} packages with {Path(tool).name}: about {wait}.")
        shutil.rmtree(venv, ignore_errors=True)
        failed = next((command for command in commands_of(tool, base, venv) if run(*command)), None)
        if not failed:
            stamp.write_text(wanted, encoding="utf-8")
            return inside
    raise Refused(f"{venv.name} could not be made: see the error above.")


def fingerprint(python: str) -> str:
    """What an environment was made from: when any of it changes, it is made again."""
    digest = hashlib.sha256()
    for part in (LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode(), version_of(python)):
        digest.update(part + b"\0")
    return f"{digest.hexdigest()} {python}\n"


def locked_packages() -> int:
    return len(re.findall("^[^#\\s]+==", LOCK.read_text(encoding="utf-8"), re.MULTILINE))


def version_of(python: str) -> bytes:
    """The interpreter's full version, b"" when it does not run (as a pyenv shim of another version)."""
    command = (python, "-c", "import sys; print(sys.version)")
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.strip()


def require_venv(python: str) -> None:
    """Debian ships `venv` without the `ensurepip` it needs."""
    probe = (python, "-c", "import ensurepip, venv")
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode:
        name = Path(python).name
        raise Refused(
            f"`{name} -m venv` fails until the Debian package python3-venv is installed: apt-get install python3-venv"
        )


def commands_of(tool: str, base: str, venv: Path) -> list[tuple[str, ...]]:
    """The commands that fill the environment: the lock by its hashes, then the project without any download."""
    inside = str(venv / "bin" / "python")
    empty: tuple[str, ...]
    install: tuple[str, ...]
    if tool != "pip":
        empty = (tool, "venv", "--quiet", "--python", base, str(venv))
        install = (tool, "pip", "install", "--quiet", "--python", inside)
    else:
        empty = (base, "-m", "venv", str(venv))
        install = (inside, "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check", "--no-compile")
    # --no-deps: the lock is complete, and older pips refuse its `hishel==...` where githubkit asks for `hishel[async]`.
    locked, project = ("--require-hashes", "-r", str(LOCK)), ("--no-build-isolation", "-e", str(ROOT))
    return [empty, (*install, "--no-deps", *locked), (*install, "--no-deps", *project)]


def say(text: str) -> None:
    """Print at once, so that it stands before what the tools print."""
    print(text, flush=True)


def run(*command: str | Path) -> int:
    """Run in the repository, with the program's own folder (as .venv/bin) first on PATH; return the exit code."""
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environ = {**os.environ, "PATH": path}
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=environ, check=False).returncode


def make_environment(_args: list[str]) -> int:
    say(f"ready: {setup()}")
    return 0


def demo(args: list[str]) -> int:
    """Become the demo, so that Ctrl-C reaches it alone and it ends in order."""
    command = setup().with_name("failover")
    os.execv(command, [str(command), "demo", *args])  # noqa: S606 - no shell is wanted


def test(args: list[str]) -> int:
    return run(setup(), "-m", "pytest", *(args or PARALLEL))


def check(args: list[str]) -> int:
    """Run every step, also after one failed; the tests last, so that their summary closes the output."""
    python = setup()
    lay_out_pages()
    steps: dict[str, tuple[str | Path, ...]] = {
        "format": (python, "-m", "ruff", "format", "--check", "."),
        "lint": (python, "-m", "ruff", "check", "."),
        "types": (python, "-m", "mypy"),
        "imports": (python.with_name("lint-imports"), "--no-logo"),
        "docs": building_the_site(python),
        "tests": (python, "-m", "pytest", *(args or PARALLEL)),
    }
    failed = []
    for name, command in steps.items():
        say(f"== {name}")
        if run(*command):
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def docs(args: list[str]) -> int:
    """Build the pages as a site, or with `serve` show it at http://127.0.0.1:8000 and build it again on changes."""
    if args not in ([], ["serve"]):
        raise Refused(f"expected nothing or `serve` after docs, got: {shlex.join(args)}")
    python = setup()
    lay_out_pages()
    if args:
        return run(python, "-m", "mkdocs", "serve", "--quiet")
    code = run(*building_the_site(python))
    if not code:
        say(f"ready: {SITE / 'html' / 'index.html'}")
    return code


def building_the_site(python: Path) -> tuple[str | Path, ...]:
    """The command; a link that leads nowhere, or a page that the menu lacks, fails it."""
    return (python, "-m", "mkdocs", "build", "--strict")


def lay_out_pages(pages: Path = SITE / "pages") -> None:
    """Link what the site shows into one folder, in its place: so links between pages are those on GitHub."""
    shutil.rmtree(pages, ignore_errors=True)
    for name in SHOWN:
        for file in filter(Path.is_file, ROOT.glob(name)):
            link = pages / file.relative_to(ROOT)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)


def bench(args: list[str]) -> int:
    """Run the benchmarks that are named, or all of them."""
    return run(setup(), "-m", "bench", *args)


def screenshots(args: list[str]) -> int:
    """Take README.md's pictures anew."""
    return run(setup(), "-m", "docs.screenshots", *args)


def lock(args: list[str]) -> int:
    """Resolve pyproject.toml, for every Python and system, into requirements/*.txt.

    A version that is pinned stays, as long as it may; with `--upgrade` all are resolved anew. client.in is what a test
    makes a client with: it needs an older typer than ours, so it is resolved by itself.
    """
    if args not in ([], ["--upgrade"]):
        raise Refused(f"expected nothing or `--upgrade` after lock, got: {shlex.join(args)}")
    kept = [] if args else pins(LOCK.read_text(encoding="utf-8"))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(with_constraints(project, kept), encoding="utf-8")
        uv = shutil.which("uv") or borrowed_uv(Path(folder, "uv"))
        output((uv, "lock", "--quiet"), folder)
        for name, chosen in LOCKS.items():
            text = output((uv, "export", "--frozen", "--no-emit-project", "--no-header", *chosen), folder)
            write_lock(name, lock_text(text))
        with tempfile.TemporaryDirectory() as other:  # where uv finds no project, and so none of its pins
            text = compiled(uv, other, "client", is_kept=not args)
            write_lock("client.txt", lock_text(text, "client.in"))
    return 0


def compiled(uv: str, folder: str, name: str, *, is_kept: bool) -> str:
    """What NAME.in needs, for every Python and system. What NAME.txt pins stays, if it `is_kept` and may."""
    for ending in (".in", ".txt") if is_kept else (".in",):
        shutil.copy(LOCK.with_name(name + ending), folder)
    choices = ("--universal", "--python-version", "{}.{}".format(*OLDEST), "--generate-hashes", "--no-header")
    command = (uv, "pip", "compile", "--quiet", *choices, "--output-file", f"{name}.txt", f"{name}.in")
    output(command, folder)
    return Path(folder, f"{name}.txt").read_text(encoding="utf-8")


def write_lock(name: str, text: str) -> None:
    LOCK.with_name(name).write_text(text, encoding="utf-8", newline="\n")
    say(f"wrote requirements/{name}")


def pins(locked: str) -> list[str]:
    """`name==version ; marker` of each package of a lock file."""
    return [line.rstrip(" \\") for line in locked.splitlines() if re.match(r"[\w.-]+==", line)]


def with_constraints(pyproject: str, kept: list[str]) -> str:
    """The project with its versions bound to these pins."""
    return f"{pyproject}\n[tool.uv]\nconstraint-dependencies = {json.dumps(kept)}\n"


def borrowed_uv(folder: Path) -> str:
    """Install uv into a folder that goes away, for a machine without it."""
    require_venv(sys.executable)
    output((sys.executable, "-m", "venv", str(folder)), ".")
    output((str(folder / "bin" / "pip"), "install", "--quiet", "uv"), ".")
    return str(folder / "bin" / "uv")


def output(command: tuple[str, ...], folder: str) -> str:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        raise Refused(f"The lock could not be made: {shlex.join(command)} failed.")
    return done.stdout


def lock_text(exported: str, source: str = "pyproject.toml") -> str:
    """The exported requirements under our own header, without options such as an index. Raises Refused on a URL."""
    lines = [line for line in exported.splitlines() if not line.startswith("-")]
    for line in lines:
        if "://" in line or re.search(r"\s@\s|file:", line):
            raise Refused(f"The lock may name no host and no path, but has: {line}")
    header = f"# Made by `make lock` from {source}, with hashes, for every declared Python; do not edit."
    return "\n".join([header, *lines]) + "\n"


def matrix(args: list[str]) -> int:
    """Run the tests on each declared Python that this machine has, and say which it has not."""
    results = {}
    for version in sorted(DECLARED, key=lambda text: int(text[2:])):
        python = interpreter(version)
        if python:
            say(f"== Python {version}")
            code = run(setup(ROOT / ".venvs" / version, python), "-m", "pytest", *args)
            results[version] = "passed" if code == 0 else f"failed (exit {code})"
        else:
            results[version] = "declared, not run: not on this machine"
    for version, result in results.items():
        say(f"Python {version}: {result}")
    return int(any("failed" in result for result in results.values()))


def image(args: list[str]) -> int:
    return run(setup(), "-m", "tests.product.image", *args)


def notes(args: list[str]) -> int:
    """Print what CHANGELOG.md says of this version. With a tag: refuse one that is another version's."""
    import tomllib  # Python 3.11 and newer

    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if args not in ([], [version], [f"v{version}"]):
        raise Refused(f"The tag is {' '.join(args)}, but pyproject.toml says {version}: expected v{version}.")
    say(release_notes(version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")))
    return 0


def release_notes(version: str, changelog: str) -> str:
    """The section of a released version, without its heading."""
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n"
    section = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not section or not section[1].strip():
        raise Refused(f"CHANGELOG.md says nothing of {version}: expected a heading `## [{version}] - YYYY-MM-DD`.")
    return section[1].strip()


def interpreter(version: str) -> str | None:
    """Where Python `version` ("3.12") is: on PATH, or made by pyenv or uv. None when nowhere."""
    name, home = f"python{version}", Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"), "versions").glob(f"{version}.*/bin/{name}")
    managed = (home / ".local/share/uv/python").glob(f"cpython-{version}.*/bin/{name}")
    for found in (shutil.which(name), *map(str, pyenv), *map(str, managed)):
        if found and version_of(found).startswith(f"{version}.".encode()):
            return found
    return None


COMMANDS = {
    "setup": make_environment,
    "demo": demo,
    "test": test,
    "check": check,
    "docs": docs,
    "bench": bench,
    "screenshots": screenshots,
    "lock": lock,
    "matrix": matrix,
    "image": image,
    "notes": notes,
}


def main(name: str = "", *args: str) -> int:
    if sys.version_info[:2] < OLDEST:
        newer = next(filter(None, map(interpreter, DECLARED)), None)
        if newer:
            os.execv(newer, [newer, __file__, name, *args])  # noqa: S606 - no shell is wanted
        print(f"Python 3.11 or newer is needed, and python3 is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    if name not in COMMANDS:
        print(f"usage: python3 dev.py {' | '.join(COMMANDS)}   [arguments]", file=sys.stderr)
        return 2
    # Of use in an image, but here each of the tests' processes would compile a thousand modules anew: seconds of CPU.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        return COMMANDS[name](list(args))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
