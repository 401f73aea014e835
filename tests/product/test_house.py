"""The house rules that a machine can check: imports, docstrings, reasons, hosts, the lock, the wheel."""

import ast
import asyncio
import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import tokenize
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.project import ROOT

SERVICE = ROOT / "service"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = sorted(
    [*SERVICE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py"), ROOT / "dev.py"]
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Imports. Each contract was seen to fail when broken.


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "service")},
        capture_output=True,
        text=True,
        check=False,
    )


def copy_of_the_service(folder: Path) -> Path:
    """One that a test may spoil."""
    shutil.copytree(SERVICE, folder / "service", ignore=shutil.ignore_patterns("__pycache__", "homelab", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def plant(house: Path, module: str, line: str) -> None:
    """Add a line to a module, making it and its packages where they do not exist."""
    path = house / "service" / "failover_api" / module
    path.parent.mkdir(parents=True, exist_ok=True)
    for package in [path.parent, *path.parent.parents]:
        if package == house / "service":
            break
        (package / "__init__.py").touch()
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def test_the_tree_keeps_every_import_contract() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


TYPES_ONLY = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
GITHUB_CALL = "from failover_api.sandbox.github.call import Call"
CORE, DOWNWARD = "The core does no I/O", "Imports point only downward"
THE_JSON = "The JSON: a subject above what it is made of"
SANDBOX = "The sandbox: a dialect above what any host needs"
ONLY_THE_DEMO = "Only the demo knows the sandbox"
PLANTED = [  # a module, what is written into it, the contract which that breaks, what must not be imported
    ("core/planted.py", "import httpx2", CORE, "httpx2"),
    ("core/planted.py", "import asyncio", CORE, "asyncio"),
    ("core/planted.py", "from os import path", CORE, "os"),
    ("core/planted.py", "def late() -> None:\n    import time", CORE, "time"),
    ("core/planted.py", f"{TYPES_ONLY}from pathlib import Path", CORE, "pathlib"),
    ("errors.py", "import failover_api.core", DOWNWARD, "failover_api.core"),
    ("core/planted.py", "import failover_api.forge", DOWNWARD, "failover_api.forge"),
    ("forge/planted.py", "import failover_api.edges", DOWNWARD, "failover_api.edges"),
    ("forge/planted.py", f"{TYPES_ONLY}import failover_api.wiring", DOWNWARD, "failover_api.wiring"),
    ("forge/planted.py", "import failover_api.settings", DOWNWARD, "failover_api.settings"),
    ("failover.py", "import failover_api.wiring", DOWNWARD, "failover_api.wiring"),
    ("newcomer.py", "x = 1", DOWNWARD, ""),
    ("edges/models/planted.py", "x = 1", THE_JSON, ""),
    ("edges/models/commits.py", "import failover_api.edges.models.moves", THE_JSON, "failover_api.edges.models.moves"),
    (
        "edges/bodies/history.py",
        f"{TYPES_ONLY}import failover_api.edges.bodies.places",
        THE_JSON,
        "failover_api.edges.bodies.places",
    ),
    ("forge/planted.py", "import failover_api.sandbox", ONLY_THE_DEMO, "failover_api.sandbox"),
    (
        "edges/cli/main.py",
        "from failover_api.sandbox.git import planted",
        ONLY_THE_DEMO,
        "failover_api.sandbox.git.planted",
    ),
    (
        "edges/server.py",
        f"{TYPES_ONLY}from failover_api.sandbox.git import planted",
        ONLY_THE_DEMO,
        "failover_api.sandbox.git.planted",
    ),
    (
        "sandbox/git/planted.py",
        "import failover_api.forge",
        "The sandbox knows nothing of the service",
        "failover_api.forge",
    ),
    ("sandbox/planted.py", "x = 1", SANDBOX, ""),
    (
        "sandbox/hosting/world.py",
        "import failover_api.sandbox.http.exchange",
        SANDBOX,
        "failover_api.sandbox.http.exchange",
    ),
    ("sandbox/http/wire.py", f"{TYPES_ONLY}{GITHUB_CALL}", SANDBOX, "failover_api.sandbox.github.call"),
    (
        "sandbox/github/call.py",
        f"{TYPES_ONLY}from failover_api.sandbox.sandbox import Sandbox",
        SANDBOX,
        "failover_api.sandbox.sandbox",
    ),
    ("sandbox/cluster/clock.py", f"{TYPES_ONLY}{GITHUB_CALL}", SANDBOX, "failover_api.sandbox.github.call"),
    (
        "sandbox/git/planted.py",
        "from failover_api.sandbox import Fault",
        "The sandbox has no circle through its package",
        "failover_api.sandbox",
    ),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract when all of them are broken."""
    house = copy_of_the_service(tmp_path_factory.mktemp("broken"))
    for module, line, *_ in [*PLANTED, ("sandbox/github/answer.py", f"{TYPES_ONLY}{GITHUB_CALL}")]:
        plant(house, module, line)
    result = lint_imports(house)
    assert result.returncode == 1, result.stdout + result.stderr
    parts = re.split(r"\n\n(.+)\n-{5,}\n", result.stdout.partition("Broken contracts\n")[2])
    return {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize(("module", "line", "contract", "imported"), PLANTED)
def test_a_broken_import_contract_is_found(
    broken: dict[str, str], module: str, line: str, contract: str, imported: str
) -> None:
    ours = "- failover_api." + module.removesuffix(".py").replace("/", ".")
    assert (f"{ours} -> {imported} " if imported else f"are not listed as layers: {ours} ") in broken[contract]


def test_a_circle_of_imports_is_found(broken: dict[str, str]) -> None:
    assert "allowed in failover_api.sandbox.github. " in broken["The sandbox has no circle of imports"]


def test_the_demo_may_import_the_sandbox(tmp_path: Path) -> None:
    house = copy_of_the_service(tmp_path)
    plant(house, "sandbox/git/planted.py", "")
    plant(house, "edges/demo/run.py", "import failover_api.sandbox\nfrom failover_api.sandbox.git import planted")
    plant(house, "edges/cli/main.py", "def late() -> None:\n    import failover_api.edges.demo.run")
    result = lint_imports(house)
    assert "Only the demo knows the sandbox KEPT" in result.stdout, result.stdout + result.stderr


# Source files.


@pytest.mark.parametrize("path", OURS, ids=relative)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), f"{relative(path)} has no docstring"


DIRECTIVE = re.compile(r"noqa(:\s*[A-Z]+\d+([,\s]+[A-Z]+\d+)*)?|type:\s*ignore(\[[\w, -]+\])?")


def unreasoned(path: Path) -> list[int]:
    """The lines with an ignore and no reason: `# noqa: S603 - why`, or a comment of its own on the line above."""
    if not DIRECTIVE.search(path.read_text(encoding="utf-8")):
        return []
    with path.open("rb") as file:
        comments = [token for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT]
    alone = {token.start[0] for token in comments if token.line.strip() == token.string}
    return [
        token.start[0]
        for token in comments
        if DIRECTIVE.search(token.string)
        and not re.search(r"[A-Za-z]{2}", DIRECTIVE.sub("", token.string))
        and token.start[0] - 1 not in alone
    ]


def test_no_test_file_imports_another() -> None:
    files = {path.stem: path for path in (ROOT / "tests").rglob("test_*.py")}
    imported = re.compile(r"^from tests[\w.]*\.(test_\w+) import|^from tests[\w.]* import (test_\w+)", re.MULTILINE)
    found = [
        f"{path.name} imports {first or second}"
        for path in files.values()
        for first, second in imported.findall(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_every_ignore_has_its_reason_beside() -> None:
    found = [f"{relative(path)}:{line}" for path in OURS for line in unreasoned(path)]
    assert not found, f"say why, as in `# noqa: CODE - reason`: {found}"


def test_an_ignore_without_reason_is_found(tmp_path: Path) -> None:
    path = tmp_path / "planted.py"
    path.write_text(
        "a = 1  # noqa: E501\n"
        "b = 2  # noqa: E501 - the table is one line a row\n"
        "# A reason above.\n"
        "c = 3  # type: ignore[misc]\n"
        "d = 4  # type: ignore[misc]  # noqa: E501,S101\n"
        "e = '# noqa: E501'\n"
    )
    assert unreasoned(path) == [1, 5]


def test_every_ignore_in_pyproject_has_its_reason_beside() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    start = lines.index("[tool.ruff.lint.per-file-ignores]") + 1
    end = next(n for n in range(start, len(lines)) if lines[n].startswith("["))
    relaxed = [
        line for line in lines if re.match(r"(ignore_(?!imports)\w+|disable_error_code|disallow_\w+|exclude)\s*=", line)
    ]
    bare = [line for line in [*filter(None, lines[start:end]), *relaxed] if "#" not in line]
    bare += [line for line in lines if re.match(r'\s+"[A-Z]+\d+",?\s*$', line)]  # a row of `ignore = [...]`
    assert not bare, f"say why, after a #: {bare}"


# What is committed.


def tracked() -> list[Path]:
    """What git tracks, and what it would at the next `git add`."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout: no list of tracked files")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


FOREIGN = re.compile(
    r"pypi[.]org|pythonh[o]sted\.org|npmjs\.(org|com)|deb[.]debian\.org|golang\.org/?proxy|proxy\.golang\.org|crates\.io"
    r"|(?<![\w./-])/(work|root|opt/pypi|home/\w+)/"
)


def test_no_tracked_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if match := FOREIGN.search(line):
                found.append(f"{relative(path)}:{number}: {match[0]}")
    assert not found


def test_the_resolver_s_own_lock_is_not_tracked() -> None:
    assert "uv.lock" not in [relative(path) for path in tracked()], "it names a registry host"


def test_the_version_is_one() -> None:
    version = PYPROJECT["project"]["version"]
    assert importlib.metadata.version("failover-api") == version
    changelog = ROOT / "CHANGELOG.md"
    released = re.findall(
        r"^## \[?v?(\d[^\]\s]*)", changelog.read_text("utf-8") if changelog.exists() else "", re.MULTILINE
    )
    assert released[:1] in ([], [version])


# The lock.


def locked(name: str) -> dict[str, str]:
    """{package: version} of a file in requirements/."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    return dict(re.match(r"([a-z0-9-]+)==([^\s;]+)", entry).groups() for entry in entries)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("runtime.txt", PYPROJECT["project"]["dependencies"]),
        ("image.txt", PYPROJECT["project"]["dependencies"] + PYPROJECT["project"]["optional-dependencies"]["notify"]),
        ("build.txt", PYPROJECT["build-system"]["requires"]),
        (
            "dev.txt",
            PYPROJECT["project"]["dependencies"]
            + [line for extra in PYPROJECT["project"]["optional-dependencies"].values() for line in extra]
            + [line for group in PYPROJECT["dependency-groups"].values() for line in group],
        ),
    ],
)
def test_the_lock_has_each_dependency_at_a_version_that_is_allowed(name: str, wanted: list[str]) -> None:
    versions = locked(name)
    for line in map(Requirement, wanted):
        version = versions.get(canonicalize_name(line.name))
        assert line.specifier.contains(version or "0", prereleases=True), f"{line} is not in {name}: `make lock`"


def test_what_makes_a_client_is_locked_by_itself() -> None:
    (wanted,) = map(Requirement, (ROOT / "requirements" / "client.in").read_text(encoding="utf-8").splitlines())
    assert wanted.specifier.contains(locked("client.txt")[wanted.name])
    assert locked("client.txt")["typer"] != locked("dev.txt")["typer"], "it could be a development tool like the others"


def test_the_image_and_the_developer_run_the_same_versions() -> None:
    assert locked("runtime.txt").items() <= locked("image.txt").items() <= locked("dev.txt").items()
    assert locked("build.txt").items() <= locked("dev.txt").items()


# The wheel.


def test_the_wheel_has_every_file_of_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("failover_api-*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("failover_api/")}
    ours = {path.relative_to(SERVICE).as_posix() for path in (SERVICE / "failover_api").rglob("*") if path.is_file()}
    assert packed == {name for name in ours if "__pycache__" not in name}
    assert "failover_api/py.typed" in packed


# No test reaches the network: 192.0.2.1 is an address for documentation, and nothing is sent to it.


def by_thread() -> None:
    caught: list[BaseException] = []

    def connect() -> None:
        try:
            socket.create_connection(("192.0.2.1", 443), timeout=1)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    thread.join()
    raise caught[0]


def by_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"", ("192.0.2.1", 53))


def by_connect_ex() -> None:
    with socket.socket() as tcp:
        tcp.connect_ex(("192.0.2.1", 443))


def by_asyncio() -> None:
    asyncio.run(asyncio.wait_for(asyncio.open_connection("192.0.2.1", 443), 1))


def by_name() -> None:
    socket.getaddrinfo("host.invalid", 443)


@pytest.mark.parametrize("leave", [by_thread, by_datagram, by_connect_ex, by_asyncio, by_name])
def test_the_network_is_refused(no_network: list[str], leave: Callable[[], None]) -> None:
    with pytest.raises(RuntimeError, match="may only reach this machine"):
        leave()
    assert no_network
    no_network.clear()


async def test_loopback_is_allowed() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "localhost", 0)
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


def test_async_tests_run_on_asyncio_alone(anyio_backend: str) -> None:
    assert anyio_backend == "asyncio"
