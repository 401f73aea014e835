"""Names with variables: what stands for `${APP}` in a file that Flux fills in."""

import re
from collections.abc import Mapping

MAX_FORMS = 2000  # of one name, with the values of its variables
ANYTHING = "\1"  # in a form: what nobody gives a value
# `${APP}`, `${APP:-sonarr}`, `${APP:=${OTHER}}`: innermost first. https://github.com/fluxcd/pkg/tree/main/envsubst
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-=]([^${}]*))?[^{}]*\}|\{\{.*?\}\}")


def forms(name: str, values: Mapping[str, set[str]]) -> set[str]:
    """The name with every value of its variables, at most MAX_FORMS. A value may have variables itself."""
    done: set[str] = set()
    pending = [name]
    for _ in range(2 * MAX_FORMS):  # two may stand for each other
        if not pending:
            break
        form = pending.pop()
        variable = _VARIABLE.search(form)
        if variable is None:
            done.add(form)
            continue
        given = values.get(variable[1] or "", set()) | ({variable[2]} if variable[2] else set())
        before, after = form[: variable.start()], form[variable.end() :]
        pending += [f"{before}{value}{after}" for value in sorted(given)[:MAX_FORMS] or [ANYTHING]]
    return done or {ANYTHING}
