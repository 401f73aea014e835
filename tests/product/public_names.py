"""python -m tests.product.public_names: writes public_names.txt anew, for a name that is meant to change.

The names that users, scripts, dashboards and Git's history rely on, gathered from the running product: one function a
section, which yields its lines. The imports below are all it knows of where something stands.
"""

import ast
import asyncio
import importlib
import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from starlette.routing import Route
from typer.main import get_command

from failover_api.core.access.schema import AccessSchema
from failover_api.core.catalog.schema import CatalogSchema
from failover_api.core.planning.request import Provenance
from failover_api.core.planning.waves import Wave
from failover_api.core.text.trailers import Record, write_trailers
from failover_api.edges.app import create_app
from failover_api.edges.cli import execution
from failover_api.edges.http.methods import with_implied
from failover_api.edges.problems import problem
from failover_api.errors import FailoverError
from failover_api.metrics.counters import Counters
from failover_api.metrics.gauges import Gauges
from failover_api.reading.pull_requests import branch_of
from failover_api.settings import PREFIX, Settings
from failover_api.wiring import open_failover
from tests.support.project import ROOT

PACKAGE = ROOT / "service" / "failover_api"
RECORDED = Path(__file__).with_suffix(".txt")
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
CLI = importlib.import_module(next(iter(SCRIPTS.values())).partition(":")[0])
SETTINGS = Settings(config=ROOT / "config" / "services.yaml", metrics_port=None)
SAID = {"$ref", "anyOf", "enum", "type", "items", "additionalProperties", "title", "description", "examples"}

Lines = Iterator[str]
Schema = Mapping[str, Any]


def recorded() -> dict[str, set[str]]:
    """{section: its lines}, as they were written down."""
    sections = RECORDED.read_text(encoding="utf-8").removeprefix("# ").rstrip("\n").split("\n\n# ")
    return {name: set(lines) for name, *lines in map(str.splitlines, sections)}


def record() -> None:
    text = "\n\n".join("\n".join([f"# {name}", *sorted(set(lines()))]) for name, lines in SECTIONS.items())
    RECORDED.write_text(f"{text}\n", encoding="utf-8")


# HTTP


def routes() -> Lines:
    """Every URL that answers, the pages of the board included."""
    for route in create_app(SETTINGS, open_to_all=True).routes:
        assert isinstance(route, Route)
        yield from (f"{route.path} {method}" for method in with_implied(route.methods or ()))


def openapi() -> Lines:
    document = create_app(SETTINGS, open_to_all=True).openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            at = f"{path} {method.upper()}"
            yield f"{at}: {operation['operationId']}"
            for parameter in operation.get("parameters", ()):
                place, name, needed = parameter["in"], parameter["name"], _mark(parameter.get("required", False))
                yield f"{at} {place} {name}{needed}: {_type(parameter['schema'])}"
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield from _properties(f"{at} {kind} ", content["schema"])
            statuses: dict[str, list[str]] = {}
            for status, response in operation["responses"].items():
                bodies = [f": {kind} {_type(body['schema'])}" for kind, body in response.get("content", {}).items()]
                statuses.setdefault("".join(bodies), []).append(status)
            yield from (f"{at} -> {' '.join(sorted(held))}{body}" for body, held in statuses.items())
    for name, schema in document["components"]["schemas"].items():
        yield from _properties(f"{name}.", schema)


def _properties(prefix: str, schema: Schema) -> Lines:
    if "properties" not in schema:
        yield f"{prefix.rstrip(' .')}: {_type(schema)}"
        return
    for name, of in schema["properties"].items():
        yield f"{prefix}{name}{_mark(name in schema.get('required', ()))}: {_type(of)}"


def _mark(required: bool) -> str:
    return "" if required else "?"


def _type(schema: Schema) -> str:
    """A JSON schema in a line: its type, then whatever else it says but for prose."""
    match schema:
        case {"$ref": reference}:
            kind = reference.rpartition("/")[2]
        case {"anyOf": choices}:
            kind = " | ".join(map(_type, choices))
        case {"enum": choices}:
            kind = " | ".join(map(json.dumps, choices))
        case {"type": "array", "items": items}:
            kind = f"list of {_type(items)}"
        case {"additionalProperties": dict(values)}:
            kind = f"mapping of {_type(values)}"
        case _:
            kind = schema.get("type", "any")
    kind = "|".join(kind) if isinstance(kind, list) else kind
    return " ".join([kind, *(f"{key}={json.dumps(schema[key])}" for key in sorted(schema.keys() - SAID))])


def problems() -> Lines:
    for body in _problems():
        yield f"{body['type']} {body['status']} {body['title']!r} {body['outcome']}"
        yield from (f"key {key}" for key in body)


def _problems() -> list[dict[str, Any]]:
    return [problem(error("detail"), instance=None) for error in _family(FailoverError)]


def _family(of: type[FailoverError]) -> Iterator[type[FailoverError]]:
    if of.__module__.startswith("failover_api."):  # a test may have its own
        yield of
        for member in of.__subclasses__():
            yield from _family(member)


# Command line, environment, Action


def commands() -> Lines:
    yield from (f"script {name}" for name in SCRIPTS)
    mains = (path.parent.relative_to(PACKAGE.parent).parts for path in PACKAGE.rglob("__main__.py"))
    yield from (f"python -m {'.'.join(parts)}" for parts in mains)
    yield from (
        f"exit {name.lower()} {getattr(execution, name)}" for name in ("DONE", "FAILED", "USAGE", "REFUSED", "UNKNOWN")
    )
    yield from (f"exit {execution.exit_code(body)} {body['type'].rpartition(':')[2]}" for body in _problems())
    yield from _command("failover", get_command(CLI.app))


def _command(words: str, command: Any) -> Lines:
    yield words
    for parameter in command.params:
        kind = "flag" if getattr(parameter, "is_flag", False) else parameter.metavar or "value"
        names = "/".join([*parameter.opts, *parameter.secondary_opts])
        facts = [f"{fact}={value}" for fact in ("envvar", "default") if (value := getattr(parameter, fact)) is not None]
        marks = [mark for mark in ("required", "multiple") if getattr(parameter, mark, False)]
        yield " ".join([words, parameter.param_type_name, names, kind, *marks, *facts])
    for name, member in getattr(command, "commands", {}).items():
        yield from _command(f"{words} {name}", member)


OTHERS = "FAILOVER|GITHUB|INPUT|ACTIONS|RUNNER|FORWARDED|SSL"


def environment() -> Lines:
    """What Settings reads, with types and defaults; then each other variable that the code names."""
    known = {f"{PREFIX}{name}".upper(): of for name, of in Settings.model_json_schema()["properties"].items()}
    yield from (f"{name}: {_type(of)}" for name, of in known.items())
    for module in _modules():
        for text in (node.value for node in ast.walk(module) if isinstance(node, ast.Constant)):
            if re.fullmatch(f"({OTHERS})_[A-Z_]+[A-Z]", str(text)) and text not in known:
                yield text


def _modules() -> Iterator[ast.Module]:
    return (ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))


def action() -> Lines:
    """action.yml: what a workflow writes, and what it may read."""
    described = YAML(typ="safe").load(ROOT / "action.yml")
    for name, given in described["inputs"].items():
        yield f"input {name} default={given.get('default')!r}{' required' if given.get('required') else ''}"
    yield from (f"output {name}" for name in described["outputs"])


# Metrics and logs


def metrics() -> Lines:
    """Those not yet counted too; without process_*, which are the library's and differ by system."""
    for family, labels in asyncio.run(_families()):
        total = "_total" if family.type == "counter" else ""
        yield f"{family.name}{total} {family.type} {{{', '.join(labels)}}}"


async def _families() -> list[tuple[Any, tuple[str, ...]]]:
    counters = Counters()
    counters.clock_offset_s = 0.0  # GitHub has answered once
    async with open_failover(SETTINGS) as here:
        gauges = Gauges(
            counters,
            here.overview,
            catalog=here.catalog,
            credentials=here.credentials,
            failover=here.failover,
            notifier=here.notifier,
        )
        counted = [(one.describe()[0], one._labelnames) for one in counters.registry._collector_to_names]
        return counted + [(family, family._labelnames) for family in gauges.collect()]


LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


def logs() -> Lines:
    """The events, and the loggers with a name of their own. What is put in when it is said is `{}`."""
    for module in _modules():
        for node in ast.walk(module):
            match node:
                case ast.Call(func=ast.Attribute(attr="getLogger"), args=[ast.Constant(name)]):
                    yield f"logger {name}"
                case ast.Call(func=ast.Attribute(receiver, level)) if level in LEVELS and _is_logger(receiver):
                    event = node.args[1 if level == "log" else 0]
                    yield from (f"{level}: {text}" for text in _texts(event, module))


def _is_logger(receiver: ast.expr) -> bool:
    return bool(re.search(r"(^|[._])(log|logger|audit)$|getLogger\(", ast.unparse(receiver)))


def _texts(node: ast.expr, module: ast.Module) -> Lines:
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.JoinedStr(parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.IfExp(_, one, other):
            yield from (*_texts(one, module), *_texts(other, module))
        case ast.Name(name):
            for assigned in ast.walk(module):
                match assigned:
                    case ast.Assign([ast.Name(target)], value) if target == name:
                        yield from _texts(value, module)
        case _:
            raise ValueError(f"an event is a constant sentence, not {ast.unparse(node)}")


# Files and Git


def _keys(shape: type[BaseModel], at: str = "") -> Lines:
    """A line a key: `*` stands for any name, `[]` for each item of a list."""
    hints = get_type_hints(shape, include_extras=True)
    for name, field in shape.model_fields.items():
        held = hints[name]
        nesting, inner = _inside(field.annotation)
        kind = "keys" if inner else _type(TypeAdapter(held).json_schema())
        default = "" if inner or field.is_required() else f" default={field.get_default(call_default_factory=True)!r}"
        yield f"{at}{name}{nesting}{_mark(field.is_required())}: {kind}{default}{_words(held)}"
        if inner:
            yield from _keys(inner, f"{at}{name}{nesting}.")


def _inside(annotation: Any) -> tuple[str, type[BaseModel] | None]:
    """How an annotation nests, and the shape in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "", annotation
    nesting = {dict: ".*", list: "[]"}.get(get_origin(annotation), "")
    deeper, shape = next((found for found in map(_inside, get_args(annotation)) if any(found)), ("", None))
    return nesting + deeper, shape


def _words(held: Any) -> str:
    """The words that a key may hold, which its validator tells whoever writes another."""
    for wrong in ("?", ["?"]):
        try:
            TypeAdapter(held).validate_python(wrong)
        except ValidationError as exc:
            if said := re.search(r"expected (\S+(?:, \S+)* or \S+), not '\?'", str(exc)):
                return f" of {said[1]}"
    return ""


def git() -> Lines:
    """Trailers of commits, branches of pull requests."""
    wave = Wave(1, (("x",),), supersede=True)
    provenance = Provenance(**{field.name: "x" for field in fields(Provenance) if field.name != "wave"}, wave=wave)
    full = Record("x", "x", "x", "x", provenance, "x")
    other = replace(full, provenance=replace(provenance, reason="y"))
    for trailer in write_trailers([full, other]).splitlines():
        yield f"trailer {trailer.partition(':')[0]}"
    yield f"branch {branch_of(service='SERVICE')}"
    yield f"branch {branch_of(group='GROUP')}"


SECTIONS: dict[str, Callable[[], Lines]] = {
    "routes": routes,
    "openapi": openapi,
    "problems": problems,
    "commands": commands,
    "environment": environment,
    "action": action,
    "metrics": metrics,
    "logs": logs,
    "services.yaml": lambda: _keys(CatalogSchema),
    "access.yaml": lambda: _keys(AccessSchema),
    "git": git,
}

if __name__ == "__main__":
    record()
    sys.stdout.write(f"wrote {RECORDED.relative_to(ROOT)}\n")
