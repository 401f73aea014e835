"""Values of a manifest as people read them: on one line, safe to show, cut when long."""

from collections.abc import Mapping

from failover_api.core.splice.scalars import Value, write
from failover_api.core.wording import cut


def shown(value: Value | Mapping[str, Value]) -> str:
    """A value as it would stand in a manifest: `primary`, `"true"` (text), `true`, `null`. Long ones are cut.

    A mapping stands on one line: `{maxSurge: 0, maxUnavailable: 1}`.
    """
    if isinstance(value, Mapping):
        entries = (f"{write(key, flow=True)[0]}: {write(entry, flow=True)[0]}" for key, entry in value.items())
        return cut("{" + ", ".join(entries) + "}")
    return cut(write(value)[0])


def quoted(value: Value) -> str:
    """A value inside a sentence: text in quotes, `'primary'`; the rest bare, `true`, `1`, `null`. Long ones are cut."""
    return cut(write(value, style="'")[0])
