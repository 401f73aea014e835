"""A release: tag, version, changelog and pages agree; nothing is published untested; no job may more than it needs."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from ruamel.yaml import YAML

import dev

VERSION = tomllib.loads((dev.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
WORKFLOWS = dev.ROOT / ".github" / "workflows"
CI, RELEASE = (YAML(typ="safe").load(WORKFLOWS / name) for name in ("ci.yml", "release.yml"))
JOBS: Mapping[str, Any] = RELEASE["jobs"]
CHANGELOG = """# Changelog

## [Unreleased]

## [1.10.0] - 2026-02-01

### Added

- A board.

## [1.1.0] - 2026-01-01

- The first.
"""


@pytest.mark.parametrize(("version", "notes"), [("1.10.0", "### Added\n\n- A board."), ("1.1.0", "- The first.")])
def test_the_notes_are_the_section_of_the_changelog(version: str, notes: str) -> None:
    assert dev.release_notes(version, CHANGELOG) == notes


@pytest.mark.parametrize(
    ("version", "changelog"),
    [
        ("1.1", CHANGELOG),
        ("1.1x0", CHANGELOG),
        ("Unreleased", CHANGELOG),
        ("2.0.0", "## [2.0.0]\n\n- No day.\n"),
        ("2.0.0", "## [2.0.0] - 2026-03-01\n\n## [1.0.0] - 2026-01-01\n\n- Another's.\n"),
    ],
)
def test_a_version_without_a_section_is_refused(version: str, changelog: str) -> None:
    with pytest.raises(dev.Refused, match=r"^CHANGELOG\.md says nothing of "):
        dev.release_notes(version, changelog)


@pytest.mark.parametrize("args", [(), (VERSION,), (f"v{VERSION}",)])
def test_this_source_can_be_released(args: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main("notes", *args) == 0
    assert capsys.readouterr().out.startswith("### ")


@pytest.mark.parametrize("tag", ["v9.9.9", "v0", f"vv{VERSION}", f"v{VERSION}rc1", f"v{VERSION} v{VERSION}"])
def test_another_version_s_tag_is_refused(tag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main("notes", *tag.split()) == 2
    assert capsys.readouterr().err.startswith(f"The tag is {tag}, but pyproject.toml says {VERSION}")


def test_the_pages_name_the_version_that_will_be_released() -> None:
    pages = [dev.ROOT / name for name in ("README.md", "docs/INSTALL.md", "MIGRATION.md")]
    pages.append(dev.ROOT / "clusters/homelab/operations/failover-api.yaml")
    for page in pages:
        named = re.findall(
            r"failover-api:(\d[\w.]*)|[Tt]ag: v?(\d[\w.]*)|refs/tags/v(\S+)", page.read_text(encoding="utf-8")
        )
        assert {version for found in named for version in found if version} == {VERSION}, page.name


# The workflows. tests/product/action/test_files.py lets actionlint and zizmor read them.


def before(name: str) -> set[str]:
    """The jobs that have succeeded when this one starts."""
    needs = JOBS[name].get("needs", [])
    return {*needs, *(earlier for need in needs for earlier in before(need))}


def test_ci_runs_make_check_on_every_declared_python() -> None:
    job = CI["jobs"]["check"]
    assert sorted(job["strategy"]["matrix"]["python"]) == sorted(dev.DECLARED)
    assert job["steps"][-1]["run"] == "make check"


def test_a_release_runs_what_ci_runs() -> None:
    assert JOBS["check"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in CI["on"]


@pytest.mark.parametrize("name", sorted(JOBS.keys() - {"version", "check"}))
def test_no_job_goes_on_without_the_tests_and_the_version(name: str) -> None:
    assert before(name) >= {"version", "check"}
    conditions = [part["if"] for part in (JOBS[name], *JOBS[name]["steps"]) if "if" in part]
    assert not conditions, "always() would go on after a failure"


def test_what_cannot_be_undone_comes_after_everything_was_built_and_tried() -> None:
    assert before("pypi") >= {"package", "image"}
    assert before("tags") >= {"pypi"}
    assert before("release") >= {"pypi", "tags"}


def test_only_the_tag_of_a_full_version_releases() -> None:
    assert RELEASE["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+"]}}


def test_every_job_may_do_the_least() -> None:
    source = {"contents": "read"}
    assert CI["permissions"] == RELEASE["permissions"] == {}
    assert {name: job["permissions"] for name, job in CI["jobs"].items()} == {"check": source}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "version": source,
        "check": source,
        "package": source,
        "image": {**source, "packages": "write", "id-token": "write"},
        "pypi": {"id-token": "write"},
        "tags": {"packages": "write"},
        "release": {"contents": "write"},
    }


def test_pypi_is_reached_by_the_job_s_own_identity() -> None:
    job = JOBS["pypi"]
    (publish,) = [step for step in job["steps"] if step["uses"].startswith("pypa/gh-action-pypi-publish@")]
    assert job["environment"] == "pypi"
    assert "with" not in publish, "no user, no password, and attestations as by default"
    assert "secrets." not in (WORKFLOWS / "release.yml").read_text(encoding="utf-8")


def test_the_image_is_for_both_platforms_described_signed_and_tagged_only_then() -> None:
    steps = JOBS["image"]["steps"]
    (build,) = [step["with"] for step in steps if step.get("id") == "build"]
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert (build["sbom"], build["provenance"]) == (True, "mode=max")
    assert "push-by-digest=true" in build["outputs"]
    assert "tags" not in build
    asked = re.findall(r"^ARG (\w+)", (dev.ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.findall(r"^(\w+)=", build["build-args"], re.MULTILINE) == asked
    assert "cosign sign" in steps[-1]["run"]
    assert steps[-1]["env"]["IMAGE"] == "${{ steps.names.outputs.image }}@${{ steps.build.outputs.digest }}"
    assert JOBS["tags"]["steps"][-1]["run"].endswith('"$IMAGE@$DIGEST"')


def test_what_is_published_comes_out_of_no_cache() -> None:
    assert "cache" not in re.sub(r"#.*", "", (WORKFLOWS / "release.yml").read_text(encoding="utf-8"))
