"""Style sheet and script, named after their content: a browser keeps each for ever, a new version has a new name."""

import functools
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

from failover_api.edges.http.etags import matches_none
from failover_api.errors import UnknownUrl

STATIC = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file. `packed` is the same under gzip: nothing in it is secret."""

    media_type: str
    digest: str
    data: bytes
    packed: bytes


class Assets:
    """The static files, read once."""

    def __init__(self, folder: Path = STATIC) -> None:
        paths = [path for path in sorted(folder.iterdir()) if path.suffix in _MEDIA_TYPES]
        self._names = {path.name: _asset(path) for path in paths}
        self._urls = {name: f"{Path(name).stem}.{one.digest}{Path(name).suffix}" for name, one in self._names.items()}
        self._by_url = {url: self._names[name] for name, url in self._urls.items()}

    def url(self, name: str) -> str:
        """Where a file is served."""
        return f"/static/{self._urls[name]}"

    def answer(self, request: Request, url: str) -> Response:
        """Raises UnknownUrl for a file that is not there, or not any more."""
        asset = self._by_url.get(url)
        if asset is None:
            raise UnknownUrl(f"no static file is named {url[:80]!r}")
        etag = f'"{asset.digest}"'
        headers = {
            "ETag": etag,
            "Cache-Control": _FOR_EVER,
            "Vary": "Accept-Encoding",
        }
        if matches_none(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.media_type)
        return Response(asset.data, headers=headers, media_type=asset.media_type)


@functools.cache
def static_files() -> Assets:
    """The board's, read and packed once, however many apps a process has."""
    return Assets()


def _asset(path: Path) -> Asset:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Asset(_MEDIA_TYPES[path.suffix], digest, data, gzip.compress(data, 9, mtime=0))
