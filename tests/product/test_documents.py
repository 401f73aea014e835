"""The pages say what is so: commands, options, variables, routes, errors, files, links and samples exist as written."""

import posixpath
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import markdown
import pytest
import typer
from markdown_it import MarkdownIt
from ruamel.yaml import YAML
from starlette.routing import Match

from failover_api.core.access.load import parse_access
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.planning.state import State, detect
from failover_api.core.safety.cluster_hazards import CLUSTER_FINDERS, cluster_unseen
from failover_api.core.safety.hazards import FINDERS
from failover_api.core.safety.relocation.overwritten import unsynced_overwritten
from failover_api.core.splice import parse
from failover_api.edges.app import create_app
from failover_api.edges.cli.main import app as command_line
from failover_api.edges.problems import STATUSES
from failover_api.settings import Settings
from tests.product.manifests.kustomize import Objects, deployed, needs_kubectl, overlaid
from tests.support.project import ROOT

NAMES = ("README.md", "ARCHITECTURE.md", "OPERATIONS.md", "MIGRATION.md", "SECURITY.md", "CONTRIBUTING.md")
FILES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("**/*.md"))]
PAGES = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in FILES}
SETTINGS = {f"FAILOVER_{name.upper()}" for name in Settings.model_fields}
# Of the workflow in examples/: the repository's variables and secrets.
OF_THE_WORKFLOW = {"FAILOVER_APP_ID", "FAILOVER_APP_PRIVATE_KEY"}
HOSTS = re.compile(r"(?:http://failover-api\.[a-z-]+|http://127\.0\.0\.1:8080|\$F)(/[^'\"\s]*)")
OURS = re.compile(r"(?:manifests|config|clusters|examples|service|tests|bench|requirements)/[\w./-]*[\w/]")
KUSTOMIZED = {"kustomization.yaml", "kustomization.yaml, in part"}
# Of other programs; tests/product/test_recipes.py sends what they would send.
FOREIGN = {
    "services.yaml of Homepage",
    "config.yaml of Gatus",
    "configuration.yaml of Home Assistant",
    "script.yaml of Home Assistant",
    "alertmanager.yml",
    "alerting.yaml of Gatus",
    "contact-points.yaml of Grafana",
    ".pre-commit-config.yaml",
}
HEAD = {
    "services.yaml": "",
    "services.yaml, in part": "repository: acme/homelab\nservices:\n  sonarr: {deployment: sonarr, namespace: media, "
    "primary_node_label: primary, backup_node_label: backup}\n",
}


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> list[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", without_fences(text), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES)
def test_a_heading_stands_once_on_a_page(page: str) -> None:
    """A link leads to the first of two, and the two soon differ."""
    assert [anchor for anchor, times in Counter(anchors(PAGES[page])).items() if times > 1] == []


def commands(text: str) -> Iterator[str]:
    """The indented lines that are typed, each whole; and what is typed within a sentence."""
    lines = re.findall(r"^ {4,}(.+(?:\\\n.+)*)$", without_fences(text), re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", without_fences(text))
    for line in (*lines, *inline):
        yield re.sub(r"\s*\\\n\s*", " ", line).strip()


@dataclass(frozen=True, slots=True)
class Typed:
    """A command line of failover, in words."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def typed() -> Iterator[Typed]:
    for page, text in PAGES.items():
        for line in commands(text):
            plain = re.sub(r"^(?:\w+=\S+ )+", "", line)
            if re.match(r"failover [a-z-]", plain):
                yield Typed(page, tuple(shlex.split(re.split(r" [|>]", plain)[0], comments=True)))


def requests() -> Iterator[tuple[str, str, str]]:
    """(page, method, path) of each call of ours with curl, and of each in the words `GET /path`."""
    for page, text in PAGES.items():
        for line in commands(text):
            plain = re.fullmatch(r"(GET|POST) (/[^\s?]*)(?:\?\S*)?", line)
            if plain:
                yield page, plain[1], plain[2]
            elif line.startswith("curl") and (found := HOSTS.search(line)):
                yield page, "POST" if " -X POST" in line else "GET", found[1].partition("?")[0]


def samples() -> Iterator[tuple[str, str, str]]:
    """(page, what it is, text) of each sample of YAML: its first line says which file it is."""
    for page, text in PAGES.items():
        for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield page, block.partition("\n")[0].removeprefix("# ").removeprefix("config/"), block


def test_every_error_has_its_heading_its_status_and_its_cure() -> None:
    parts = re.split(r"^### `([a-z-]+)`$", PAGES["OPERATIONS.md"], flags=re.MULTILINE)
    entries: Mapping[str, str] = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert sorted(parts[1::2]) == sorted(STATUSES)
    for slug, entry in entries.items():
        assert entry.strip().startswith(f"**{STATUSES[slug]}.** "), slug
        assert "\nCure: " in entry, slug


def test_every_hazard_has_its_page_with_what_why_and_cure() -> None:
    entries = {page: text for page, text in PAGES.items() if page.startswith("docs/hazards/")}
    finders = {finder.__name__ for finder in (*FINDERS, *CLUSTER_FINDERS, cluster_unseen, unsynced_overwritten)}
    slugs = sorted(name.replace("_", "-") for name in finders)
    assert sorted(entries) == [f"docs/hazards/{slug}.md" for slug in slugs]
    for slug in slugs:
        page = entries[f"docs/hazards/{slug}.md"]
        assert page.startswith(f"# {slug}\n")
        assert f"| [`{slug}`](hazards/{slug}.md) | " in PAGES["docs/HAZARDS.md"], slug
        for part in ("What", "Why it is told", "Cure"):
            assert f"\n**{part}.**" in page, (slug, part)


def test_every_setting_is_in_the_table_and_every_variable_that_is_named_exists() -> None:
    table = set(re.findall(r"^\| `(FAILOVER_\w+)` \|", PAGES["docs/SETTINGS.md"], re.MULTILINE))
    assert table == SETTINGS
    for page, text in PAGES.items():
        named = set(re.findall(r"FAILOVER_[A-Z_]*[A-Z]", text))
        assert named - OF_THE_WORKFLOW <= SETTINGS, page


def test_every_metric_that_is_named_exists() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "service/failover_api/metrics").glob("*.py"))
    named = {name for text in PAGES.values() for name in re.findall(r"`(failover_[a-z_]+)`", text)}
    assert len(named) > 10
    assert {name for name in named if f'"{name}"' not in sources} == set()


@pytest.mark.parametrize("line", list(typed()), ids=str)
def test_every_command_and_option_exists(line: Typed) -> None:
    command: Any = typer.main.get_command(command_line)
    words = list(line.words[1:])
    while known := getattr(command, "commands", None):
        if command.invoke_without_command and (not words or words[0].startswith("-")):
            break
        assert words[0] in known, line
        command = known[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for word in words:
        assert not word.startswith("-") or word.partition("=")[0] in options, line


def test_there_are_commands_to_look_at() -> None:
    assert len(list(typed())) > 40
    assert len(list(requests())) > 30


@pytest.mark.parametrize(("page", "method", "path"), sorted({*requests()}))
def test_every_call_has_a_route(page: str, method: str, path: str) -> None:
    assert is_served(method, path), f"{page}: {method} {path}"


def test_a_call_that_nobody_serves_is_found() -> None:
    assert not is_served("POST", "/api/failover/sonarr/promotes")
    assert not is_served("PUT", "/api/failover/sonarr/promote")


def is_served(method: str, path: str) -> bool:
    app = create_app(Settings(), open_to_all=True)
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for text, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", without_fences(PAGES[page])):
        if target.startswith("https://"):
            continue
        named, _, anchor = target.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page), named)) if named else page
        assert not OURS.match(text) or file.startswith(text.rstrip("/")), text
        assert not text.endswith(".md") or posixpath.basename(file) == posixpath.basename(text), text
        assert (ROOT / file).exists(), target
        if anchor:
            assert anchor in anchors(PAGES[file]), target


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_target_of_make_that_is_named_exists(page: str) -> None:
    for line in re.findall(r"`([^`\n]+)`", without_fences(PAGES[page])):
        for path in OURS.findall(line) if OURS.match(line) else []:
            assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z]+)", PAGES[page]):
        assert f"\n{target}:" in makefile, target


@pytest.mark.parametrize(("page", "what", "text"), list(samples()))
def test_every_sample_is_taken_by_what_reads_it(page: str, what: str, text: str) -> None:
    match what:
        case "access.yaml":
            parse_access(text, file=what)
        case "services.yaml" | "services.yaml, in part":
            parse_catalog(HEAD[what] + text, file=what)
        case "receiver.yaml":
            assert YAML(typ="safe").load(text)["spec"]["type"] == "generic-hmac"
        case "workflow.yaml, in part":
            (step,) = YAML(typ="safe").load(text)
            assert step["with"].keys() <= YAML(typ="safe").load(ROOT / "action.yml")["inputs"].keys()
        case _:
            assert what in KUSTOMIZED | FOREIGN, f"{page}: its first line names no file that is known: {what!r}"


def kustomizations(what: str) -> list[Mapping[str, Any]]:
    return [YAML(typ="safe").load(text) for _, kind, text in samples() if kind == what]


@needs_kubectl
@pytest.mark.parametrize("kustomization", kustomizations("kustomization.yaml"))
def test_every_kustomization_builds_with_the_readers_own_files(kustomization: Mapping[str, Any]) -> None:
    objects = overlaid(kustomization, {"services.yaml": "mine: catalog", "access.yaml": "mine: access"})
    (config,) = [item for item in objects if item["kind"] == "ConfigMap"]
    assert config["data"] == {"services.yaml": "mine: catalog", "access.yaml": "mine: access"}
    namespace = kustomization.get("namespace", "operations")
    assert {item["metadata"]["namespace"] for item in objects} == {namespace}
    (deployment,) = [item for item in objects if item["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "ghcr.io/acme/failover-api:0.2.0"


@needs_kubectl
@pytest.mark.parametrize("kustomization", kustomizations("kustomization.yaml, in part"))
def test_every_part_of_a_kustomization_adds_to_the_base(kustomization: Mapping[str, Any]) -> None:
    pod = Objects(overlaid({"resources": ["../manifests/base"], **kustomization})).pod
    bare = deployed().pod
    assert len(pod["volumes"]) == len(bare["volumes"]) + 1
    mounts = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {volume["name"] for volume in pod["volumes"]}


@needs_kubectl
def test_the_patch_by_hand_does_what_a_promote_does() -> None:
    (patch,) = re.findall(r"patch deployment sonarr --type strategic -p '(.+?)'", PAGES["OPERATIONS.md"], re.DOTALL)
    service = parse_catalog((ROOT / "config/services.yaml").read_text(encoding="utf-8"), file="").services["sonarr"]
    sample = ROOT / "service/failover_api/sandbox/homelab/apps/media/sonarr/deployment.yaml"
    command = ["kubectl", "patch", "--local", "-f", sample, "--type", "strategic", "-p", patch, "-o", "yaml"]
    patched = subprocess.run(command, capture_output=True, check=True).stdout
    moved = detect(service.located("here"), {"here": parse(patched, file="here")})
    assert moved.state is State.BACKUP


def test_what_the_image_is_built_with_is_asked_for_by_the_dockerfile() -> None:
    known = re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    asked = {name for text in PAGES.values() for name in re.findall(r"--build-arg (\w+)=", text)}
    assert asked
    assert asked <= set(known)


SHOWN = ("li", "ol", "pre", "table", "td", "blockquote", "h1", "h2", "h3", "strong", "em", "a", "img")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_the_same_on_github_and_on_the_site(page: str) -> None:
    """The two read Markdown differently: what belongs to an item of a list must be indented by four."""
    on_github = MarkdownIt("commonmark", {"html": True}).enable("table").render(PAGES[page])
    on_the_site = markdown.markdown(PAGES[page], extensions=["fenced_code", "tables", "sane_lists"])
    for element in SHOWN:
        start = re.compile(rf"<{element}[ >]")
        assert len(start.findall(on_github)) == len(start.findall(on_the_site)), element


def test_the_readme_is_short_and_begins_with_what_one_can_do() -> None:
    lines = PAGES["README.md"].splitlines()
    assert len(lines) <= 200
    assert [line.split("#")[0].strip() for line in lines if line.startswith("    ")][:2] == ["make demo", "make test"]


@pytest.mark.parametrize("page", sorted(PAGES.keys() - {"docs/CATALOG.md", "docs/SETTINGS.md"}))
def test_lines_are_no_longer_than_a_screen(page: str) -> None:
    """A table's row and a line of a log are as long as they are."""
    for line in PAGES[page].splitlines():
        assert len(line) <= 120 or line.startswith(("|", "    ")), line
