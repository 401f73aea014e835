"""services.yaml and access.yaml on disk: reloaded when they change; the last good version stays in force.

The content is compared, so the symlink swap of a ConfigMap is noticed like any other change.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from failover_api.core.access.load import parse_access
from failover_api.core.access.model import Access
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Catalog
from failover_api.core.config.yaml import MAX_CHARACTERS, WHOLE_FILE, config_error
from failover_api.errors import ConfigInvalid

POLL_S = 5.0
_MAX_BYTES = 4 * MAX_CHARACTERS  # UTF-8 takes at most four for a character
_log = logging.getLogger(__name__)
T = TypeVar("T")


class ConfigFile(Generic[T]):
    """A configuration file, and the `error` in its newest version, if any.

    `accepted` and `refused` count the versions that were read; one that stays invalid counts once.

    `what` is its name in the log; `parse(text, file=...)` parses it; `count` gives the numbers that are logged of it.
    """

    def __init__(self, path: Path, what: str, parse: Callable[..., T], count: Callable[[T], Mapping[str, int]]) -> None:
        self._path, self._what, self._parse, self._count = path, what, parse, count
        self._data: bytes | None = None
        self._good: T | None = None
        self.error: ConfigInvalid | None = None
        self.accepted = self.refused = 0

    def current(self) -> T:
        """The last good version. Raises ConfigInvalid when there never was one."""
        if self._good is None:
            raise self.error or self._error("is not read yet")
        return self._good

    @property
    def text(self) -> str:
        """The newest version that was read, "" when there is none."""
        return (self._data or b"").decode(errors="replace")

    def reload(self) -> None:
        """Reads the file if it changed. An invalid version replaces nothing."""
        try:
            data = self._read()
        except OSError as exc:
            self._data = None  # when it is readable again, it is parsed again, even with the same content
            self._refuse(self._error(f"cannot be read: {exc.strerror or exc}"))
            return
        if data == self._data:
            return
        self._data = data
        try:
            self._accept(self._parse(self._decoded(data), file=str(self._path)))
        except ConfigInvalid as exc:
            self._refuse(exc)

    async def watch(self, *, poll_s: float = POLL_S) -> None:
        """Reloads for ever; cancel it to stop."""
        while True:
            await asyncio.sleep(poll_s)
            try:
                await asyncio.to_thread(self.reload)
            except Exception:  # noqa: BLE001 - a defect of ours must not end the watch
                _log.exception(f"{self._what} reload failed")

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(_MAX_BYTES + 1)

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as exc:
            line = data.count(b"\n", 0, exc.start) + 1
            raise self._error(f"is not UTF-8: byte {data[exc.start]:#04x}", line=line) from exc

    def _accept(self, good: T) -> None:
        self._good, self.error = good, None
        self.accepted += 1
        _log.info(f"{self._what} loaded", extra={"file": str(self._path), **self._count(good)})

    def _refuse(self, error: ConfigInvalid) -> None:
        if self.error is None or self.error.detail != error.detail:
            self.refused += 1
            errors = list(error.errors or (error.detail,))
            _log.error(f"{self._what} refused", extra={"errors": errors, "last_good_in_force": self._good is not None})
        self.error = error

    def _error(self, detail: str, *, line: int = 1) -> ConfigInvalid:
        return config_error(str(self._path), line, WHOLE_FILE, detail)


def catalog_file(path: Path, *, branch: str | None = None) -> ConfigFile[Catalog]:
    """services.yaml; with `branch` as if each service named that one."""

    def parse(text: str, *, file: str) -> Catalog:
        catalog = parse_catalog(text, file=file)
        return catalog.on_branch(branch) if branch else catalog

    return ConfigFile(path, "catalog", parse, lambda catalog: {"services": len(catalog.services)})


def access_file(path: Path) -> ConfigFile[Access]:
    """access.yaml."""
    return ConfigFile(
        path, "access file", parse_access, lambda access: {"tokens": len(access.tokens), "issuers": len(access.issuers)}
    )
