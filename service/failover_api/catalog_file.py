"""The catalog on disk: the last good version stays in force.

The file is compared as a whole, so the symlink swap of a ConfigMap is seen like any other change.
"""

import asyncio
import logging
from pathlib import Path

from failover_api.core.catalog import Catalog
from failover_api.core.catalog_text import parse_catalog
from failover_api.core.config_yaml import MAX_CHARACTERS, WHOLE_FILE, fault
from failover_api.errors import CatalogInvalid

POLL_S = 5.0
_MAX_BYTES = 4 * MAX_CHARACTERS  # UTF-8 takes at most four for a character
_log = logging.getLogger(__name__)


class CatalogFile:
    """services.yaml, and what is wrong with its newest version, if anything.

    `accepted` and `refused` count the versions that were read; one that stays wrong counts once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data: bytes | None = None
        self._catalog: Catalog | None = None
        self.error: CatalogInvalid | None = None
        self.accepted = self.refused = 0

    def current(self) -> Catalog:
        """The last good version. Raises CatalogInvalid when there never was one."""
        if self._catalog is None:
            raise self.error or self._fault("is not read yet")
        return self._catalog

    def reload(self) -> None:
        """Reads the file if it changed. An invalid version replaces nothing."""
        try:
            data = self._read()
        except OSError as exc:
            self._data = None  # the same bytes, readable again, are news
            self._refuse(self._fault(f"cannot be read: {exc.strerror or exc}"))
            return
        if data == self._data:
            return
        self._data = data
        try:
            self._accept(parse_catalog(self._decoded(data), file=str(self._path)))
        except CatalogInvalid as exc:
            self._refuse(exc)

    async def watch(self, *, poll_s: float = POLL_S) -> None:
        """Reloads for ever; cancel it to stop."""
        while True:
            await asyncio.sleep(poll_s)
            try:
                await asyncio.to_thread(self.reload)
            except Exception:  # noqa: BLE001 - a defect of ours must not end the watch
                _log.exception("catalog reload failed")

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(_MAX_BYTES + 1)

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as exc:
            line = data.count(b"\n", 0, exc.start) + 1
            raise self._fault(f"is not UTF-8: byte {data[exc.start]:#04x}", line=line) from exc

    def _accept(self, catalog: Catalog) -> None:
        self._catalog, self.error = catalog, None
        self.accepted += 1
        _log.info("catalog loaded", extra={"file": str(self._path), "services": len(catalog.services)})

    def _refuse(self, error: CatalogInvalid) -> None:
        if self.error is None or self.error.detail != error.detail:
            self.refused += 1
            errors = list(error.errors or (error.detail,))
            _log.error("catalog refused", extra={"errors": errors, "last_good_in_force": self._catalog is not None})
        self.error = error

    def _fault(self, detail: str, *, line: int = 1) -> CatalogInvalid:
        return fault(str(self._path), line, WHOLE_FILE, detail)
