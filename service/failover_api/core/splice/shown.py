"""Values of a manifest as people read them: on one line, safe to show, cut when long."""

from failover_api.core.splice.scalars import Value, write
from failover_api.core.wording import cut


def shown(value: Value) -> str:
    """A value as it would stand in a manifest: `primary`, `"true"` (text), `true`, `null`. Long ones are cut."""
    return cut(write(value)[0])


def quoted(value: Value) -> str:
    """A value inside a sentence: text in quotes, `'primary'`; the rest bare, `true`, `1`, `null`. Long ones are cut."""
    return cut(write(value, style="'")[0])
