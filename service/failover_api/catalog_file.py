"""The catalog on disk: the last good version stays in force.

The file is compared as a whole, so the symlink swap of a ConfigMap is seen like any other change.
"""

import asyncio
import logging
from pathlib import Path

from failover_api.core.catalog import Catalog
from failover_api.core.catalog_text import parse_catalog
from failover_api.errors import CatalogInvalid

POLL_S = 5.0
_log = logging.getLogger(__name__)


class CatalogFile:
    """services.yaml, and what is wrong with its newest version, if anything."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text: str | None = None
        self._catalog: Catalog | None = None
        self.error: CatalogInvalid | None = None

    def current(self) -> Catalog:
        """The last good version. Raises CatalogInvalid when there never was one."""
        if self._catalog is None:
            raise self.error or CatalogInvalid(f"{self._path}:1: : not read yet")
        return self._catalog

    def reload(self) -> None:
        """Reads the file if it changed. An invalid version replaces nothing."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as exc:
            return self._refuse_unread(f"cannot be read ({exc.strerror})")
        except UnicodeDecodeError:
            return self._refuse_unread("is not UTF-8")
        if text == self._text:
            return None
        self._text = text
        try:
            self._catalog = parse_catalog(text, file=str(self._path))
        except CatalogInvalid as exc:
            self._refuse(exc)
        else:
            self.error = None
            _log.info("catalog loaded", extra={"file": str(self._path), "services": len(self._catalog.services)})
        return None

    async def watch(self) -> None:
        """Reloads for ever; cancel it to stop."""
        while True:
            await asyncio.sleep(POLL_S)
            await asyncio.to_thread(self.reload)

    def _refuse_unread(self, problem: str) -> None:
        self._text = None  # the same text, readable again, is news
        self._refuse(CatalogInvalid(f"{self._path}:1: : {problem}"))

    def _refuse(self, error: CatalogInvalid) -> None:
        if self.error is None or self.error.detail != error.detail:
            kept = self._catalog is not None
            _log.error("catalog refused", extra={"error": error.detail, "last_good_in_force": kept})
        self.error = error
