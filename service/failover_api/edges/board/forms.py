"""Reading posted forms. In doubt refused: a field that is unknown or there twice must not move anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request

from failover_api.edges.http.session import refuse_foreign_form, refuse_foreign_token
from failover_api.errors import BadRequest, BodyTooLarge, UnsupportedMediaType

MAX_FORM_BYTES = 16 * 1024
MAX_FIELDS = 20
_MEDIA_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in order."""

    fields: tuple[tuple[str, str], ...]

    def one(self, name: str) -> str:
        """Raises BadRequest when it is not there just once."""
        values = [value for key, value in self.fields if key == name]
        if len(values) != 1:
            raise BadRequest(f"the form has the field {name} {len(values)} times, expected once")
        return values[0]

    def without(self, names: Sequence[str]) -> list[tuple[str, str]]:
        return [(key, value) for key, value in self.fields if key not in names]


async def read_form(request: Request) -> Form:
    """A form that a page of ours sent. Raises Forbidden, BadRequest, BodyTooLarge, UnsupportedMediaType."""
    refuse_foreign_form(request)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE:
        raise UnsupportedMediaType(f"expected a form ({_MEDIA_TYPE}), not {media_type[:80] or 'none'!r}")
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise BodyTooLarge(f"the form is larger than {MAX_FORM_BYTES:,} bytes")
    return Form(tuple(_fields(body)))


async def checked_form(request: Request) -> Form:
    """A form of this very session. Raises Forbidden, and as read_form()."""
    form = await read_form(request)
    refuse_foreign_token(request, form.one("token"))
    return form


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise BadRequest("the form cannot be read") from exc


def local_path(text: str) -> str:
    """Where to go on after signing in: a page of ours, or the board."""
    is_ours = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_ours and text.isascii() and len(text) <= 2000 else "/"
