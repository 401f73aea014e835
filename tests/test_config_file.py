"""The configuration on disk: the last good version stays in force."""

import asyncio
import contextlib
import logging
import os
from pathlib import Path

import pytest

from failover_api.config_file import ConfigFile, catalog_file
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Catalog
from failover_api.errors import ConfigInvalid
from tests.support.clock import eventually

GOOD = """\
repository: acme/homelab
services:
  web:
    namespace: media
    deployment: web
    primary_node_label: a
    backup_node_label: b
"""
OTHER = GOOD.replace("  web:", "  other:")
BAD = GOOD.replace("deployment:", "deploymnet:")
BAD_ERROR = "{}:5: services.web.deploymnet: unknown key; did you mean 'deployment'?"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "services.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def catalog(path: Path) -> ConfigFile[Catalog]:
    catalog = catalog_file(path)
    catalog.reload()
    return catalog


def names(catalog: ConfigFile[Catalog]) -> list[str]:
    return list(catalog.current().services)


def detail(catalog: ConfigFile[Catalog]) -> str:
    assert catalog.error is not None
    return catalog.error.detail


def test_a_good_file_is_in_force(catalog: ConfigFile[Catalog]) -> None:
    assert names(catalog) == ["web"]
    assert catalog.error is None


def test_nothing_is_in_force_before_the_first_reading(path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"services\.yaml:1: \(file\): is not read yet"):
        catalog_file(path).current()


def test_a_bad_first_version_is_the_error_of_every_use(path: Path) -> None:
    path.write_text(BAD)
    catalog = catalog_file(path)
    catalog.reload()
    with pytest.raises(ConfigInvalid) as caught:
        catalog.current()
    assert caught.value.detail == BAD_ERROR.format(path)


def test_a_bad_version_replaces_nothing_and_a_good_one_clears_the_error(
    path: Path, catalog: ConfigFile[Catalog]
) -> None:
    path.write_text(BAD)
    catalog.reload()
    assert names(catalog) == ["web"]
    assert detail(catalog) == BAD_ERROR.format(path)
    path.write_text(OTHER)
    catalog.reload()
    assert names(catalog) == ["other"]
    assert catalog.error is None


def test_the_former_text_again_clears_the_error_too(path: Path, catalog: ConfigFile[Catalog]) -> None:
    path.write_text(BAD)
    catalog.reload()
    path.write_text(GOOD)
    catalog.reload()
    assert catalog.error is None


def test_a_file_that_is_gone_and_comes_back(path: Path, catalog: ConfigFile[Catalog]) -> None:
    path.unlink()
    catalog.reload()
    assert names(catalog) == ["web"]
    assert detail(catalog) == f"{path}:1: (file): cannot be read: No such file or directory"
    path.write_text(GOOD)
    catalog.reload()
    assert catalog.error is None


def test_a_bad_file_that_is_gone_and_comes_back_bad_is_told_each_time(path: Path, catalog: ConfigFile[Catalog]) -> None:
    for change, error in [
        (lambda: path.write_text(BAD), "unknown key"),
        (path.unlink, "cannot be read"),
        (lambda: path.write_text(BAD), "unknown key"),
    ]:
        change()
        catalog.reload()
        assert error in detail(catalog)


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    catalog = catalog_file(tmp_path)
    catalog.reload()
    assert detail(catalog) == f"{tmp_path}:1: (file): cannot be read: Is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(path: Path, catalog: ConfigFile[Catalog]) -> None:
    path.chmod(0)
    catalog.reload()
    assert detail(catalog).endswith("cannot be read: Permission denied")


def test_what_is_not_utf_8_is_told_with_its_line(path: Path, catalog: ConfigFile[Catalog]) -> None:
    path.write_bytes(b"repository: a/b\n# M\xfcller\n")
    catalog.reload()
    assert names(catalog) == ["web"]
    assert detail(catalog) == f"{path}:2: (file): is not UTF-8: byte 0xfc"


def test_a_huge_file_is_not_read_whole(path: Path, catalog: ConfigFile[Catalog]) -> None:
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # sparse: a terabyte of zeros
    catalog.reload()
    assert "is too large" in detail(catalog)


def test_the_symlink_swap_of_a_config_map_is_seen(tmp_path: Path) -> None:
    """https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go"""
    for version, text in [("..1", GOOD), ("..2", OTHER)]:
        (tmp_path / version).mkdir()
        (tmp_path / version / "services.yaml").write_text(text)
        os.utime(tmp_path / version / "services.yaml", (0, 0))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "services.yaml").symlink_to("..data/services.yaml")
    catalog = catalog_file(tmp_path / "services.yaml")
    catalog.reload()
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    catalog.reload()
    assert names(catalog) == ["other"]


def test_an_unchanged_file_is_not_parsed_again(catalog: ConfigFile[Catalog]) -> None:
    before = catalog.current()
    catalog.reload()
    assert catalog.current() is before


def test_what_is_logged(path: Path, catalog: ConfigFile[Catalog], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "failover_api")
    for text in (BAD, BAD, BAD + "# the same error\n", OTHER):
        path.write_text(text)
        catalog.reload()
        catalog.reload()
    facts = [(record.levelname, record.message, getattr(record, "errors", None)) for record in caplog.records]
    assert facts == [("ERROR", "catalog refused", [BAD_ERROR.format(path)]), ("INFO", "catalog loaded", None)]
    assert caplog.records[0].__dict__["last_good_in_force"] is True


class Defective(ConfigFile[Catalog]):
    """Has a defect of ours the first time."""

    calls = 0

    def reload(self) -> None:
        self.calls += 1
        if self.calls == 1:
            raise ZeroDivisionError
        super().reload()


async def test_the_watch_reloads_for_ever_and_outlives_a_defect(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    catalog = Defective(path, "catalog", parse_catalog, lambda _: {})
    watch = asyncio.create_task(catalog.watch(poll_s=0.01))
    try:
        await eventually(lambda: catalog.calls > 1 and names(catalog) == ["web"])
        assert "catalog reload failed" in caplog.messages
        await asyncio.to_thread(path.write_text, OTHER)
        await eventually(lambda: names(catalog) == ["other"])
        assert not watch.done()
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
