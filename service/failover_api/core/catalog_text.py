"""services.yaml as text: read, checked, and turned into a Catalog.

Raises CatalogInvalid with `FILE:LINE: KEY: message`; the first error is the `detail`, all of them are in `errors`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.functional_validators import AfterValidator, BeforeValidator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from failover_api.core.catalog import Branch, Catalog, Policy, PullRequestOptions, Service, Switch
from failover_api.core.paths import Path, format_path, parse_path
from failover_api.core.splice import Selector, Value
from failover_api.errors import BadPath, CatalogInvalid

MAX_BYTES = 4 * 1024 * 1024
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
# https://git-scm.com/docs/git-check-ref-format
_BAD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/.]|/\.|[/.]$|\.lock(/|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_Location = tuple[int | str, ...]


def parse_catalog(text: str, *, file: str) -> Catalog:
    """Reads services.yaml. `file` is only the name that errors carry."""
    if len(text) > MAX_BYTES:
        raise CatalogInvalid(f"{file}:1: : larger than {MAX_BYTES} characters")
    root = _compose(text, file)
    data = _load(text, file)
    try:
        raw = _Catalog.model_validate(data)
    except ValidationError as exc:
        raise _invalid(file, root, ((error["loc"], _say(error)) for error in exc.errors())) from exc
    builder = _Builder(raw)
    catalog = builder.build()
    if builder.errors:
        raise _invalid(file, root, builder.errors)
    return catalog


# The shapes, key for key. Anything else is refused.


def _text(value: object) -> object:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected text, not {_shown(value)}" + ("" if isinstance(value, (dict, list)) else "; quote it"))


def _scalar(value: object) -> object:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise ValueError(f"expected text, a number, true, false or null, not {_shown(value)}")


def _matches(pattern: re.Pattern[str], expected: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"expected {expected}, not {value!r}")
        return value

    return check


def _branch(value: str) -> str:
    if not value or _BAD_BRANCH.search(value):
        raise ValueError(f"expected the name of a branch, not {value!r}")
    return value


def _file(value: str) -> str:
    parts = value.split("/")
    if _CONTROL.search(value) or "\\" in value or any(part in {"", ".", ".."} for part in parts):
        raise ValueError(f"expected a path inside the repository, without '..', not {value!r}")
    if parts[0].lower() in {".git", ".github"}:
        raise ValueError(f"expected a manifest; {parts[0]}/ is never changed")
    return value


def _folder(value: str) -> str:
    stripped = value.rstrip("/")
    return "" if value in {"", ".", "./"} else f"{_file(stripped)}/"


_Text = Annotated[str, BeforeValidator(_text)]
_NonEmpty = Annotated[_Text, Field(min_length=1, max_length=512)]
_Value = Annotated[Any, BeforeValidator(_scalar)]
_RepositoryName = Annotated[_Text, AfterValidator(_matches(_REPOSITORY, "owner/name"))]
_BranchName = Annotated[_Text, AfterValidator(_branch)]
_FilePath = Annotated[_Text, AfterValidator(_file)]
_Folder = Annotated[_Text, AfterValidator(_folder)]
_Policy = Literal["direct", "pull_request"]
_Allowed = Literal["substitution", "template", "shared_anchor", "type"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PullRequest(_Shape):
    labels: list[_NonEmpty] = []
    reviewers: list[_NonEmpty] = []
    team_reviewers: list[_NonEmpty] = []
    draft: bool = False
    auto_merge: bool | Literal["squash", "merge", "rebase"] = False


class _Inherited(_Shape):
    repository: _RepositoryName | None = None
    branch: _BranchName | None = None
    search: _Folder | None = None
    policy: _Policy | None = None
    fallback: Literal["pull_request"] | None = None
    pull_request: _PullRequest | None = None


class _Volume(_Shape):
    name: _NonEmpty
    primary_pvc: _NonEmpty
    backup_pvc: _NonEmpty


class _Switch(_Shape):
    file: _FilePath
    kind: _NonEmpty | None = None
    name: _NonEmpty | None = None
    namespace: _NonEmpty | None = None
    path: _NonEmpty
    primary: _Value
    backup: _Value
    allow: list[_Allowed] = []


class _Service(_Inherited):
    namespace: _NonEmpty | None = None
    deployment: _NonEmpty | None = None
    statefulset: _NonEmpty | None = None
    path: _FilePath | None = None
    node_label_key: _NonEmpty | None = None
    primary_node_label: _Text | None = None
    backup_node_label: _Text | None = None
    volume_name: _NonEmpty | None = None
    primary_pvc: _NonEmpty | None = None
    backup_pvc: _NonEmpty | None = None
    volumes: list[_Volume] = []
    switches: list[_Switch] = []


class _Catalog(_Inherited):
    services: dict[str, _Service]
    groups: dict[str, list[_Text]] = {}


class _Builder:
    """From the shapes to the values; collects errors as (location, message)."""

    def __init__(self, raw: _Catalog) -> None:
        self.raw = raw
        self.errors: list[tuple[_Location, str]] = []

    def build(self) -> Catalog:
        groups = self._groups()
        services = {name: self._service(name, raw, groups) for name, raw in self.raw.services.items()}
        self._refuse_shared_scalars(services)
        return Catalog(MappingProxyType(services), MappingProxyType(groups))

    def _fault(self, message: str, *location: int | str) -> None:
        self.errors.append((location, message))

    def _groups(self) -> dict[str, tuple[str, ...]]:
        for group, members in self.raw.groups.items():
            if not _NAME.fullmatch(group):
                self._fault(f"expected a name like 'node-1' ({_NAME.pattern})", "groups", group)
            if not members:
                self._fault("expected at least one service", "groups", group)
            for index, member in enumerate(members):
                if member not in self.raw.services:
                    self._fault(f"no service is named {member!r}", "groups", group, index)
                elif member in members[:index]:
                    self._fault(f"{member!r} is in the group twice", "groups", group, index)
        return {group: tuple(members) for group, members in self.raw.groups.items()}

    def _service(self, name: str, raw: _Service, groups: Mapping[str, Sequence[str]]) -> Service:
        where = ("services", name)
        if not _NAME.fullmatch(name) or name.startswith("group-"):
            self._fault(f"expected a name like 'sonarr' ({_NAME.pattern}) that does not begin with 'group-'", *where)
        repository = raw.repository or self.raw.repository
        if repository is None:
            self._fault("needs a `repository` (owner/name), here or at the top", *where)
        pull_request = raw.pull_request or self.raw.pull_request or _PullRequest()
        fallback = raw.fallback or self.raw.fallback
        switches = (*self._workload(raw, where), *self._free(raw, where))
        if not switches:
            self._fault("nothing to move: needs node labels, claims or `switches`", *where)
        search = raw.search if raw.search is not None else self.raw.search
        return Service(
            name=name,
            branch=Branch(repository or "", raw.branch or self.raw.branch or "main"),
            search="apps/" if search is None else search,
            policy=Policy(raw.policy or self.raw.policy or "direct"),
            fallback=Policy(fallback) if fallback else None,
            pull_request=PullRequestOptions(
                labels=tuple(pull_request.labels),
                reviewers=tuple(pull_request.reviewers),
                team_reviewers=tuple(pull_request.team_reviewers),
                draft=pull_request.draft,
                auto_merge=pull_request.auto_merge,
            ),
            switches=switches,
            groups=tuple(group for group, members in groups.items() if name in members),
        )

    def _workload(self, raw: _Service, where: _Location) -> Iterator[Switch]:
        """The switches of a Deployment or StatefulSet: its node label and its claims."""
        if raw.deployment and raw.statefulset:
            return self._fault("expected `deployment` or `statefulset`, not both", *where, "statefulset")
        name = raw.deployment or raw.statefulset
        if name is None:
            return self._refuse_orphans(raw, where)
        if raw.namespace is None:
            self._fault("needs a `namespace`", *where)
        selector = Selector(kind="Deployment" if raw.deployment else "StatefulSet", name=name, namespace=raw.namespace)
        for path, primary, backup, key in (*self._node_label(raw, where), *self._claims(raw, where)):
            if primary == backup:
                self._fault(f"primary and backup are the same ({_shown(primary)})", *where, *key)
            yield Switch(raw.path, selector, path, primary, backup)

    def _refuse_orphans(self, raw: _Service, where: _Location) -> None:
        for key in raw.model_fields_set - {"switches", "namespace", *_Inherited.model_fields}:
            self._fault("needs a `deployment` or a `statefulset` beside it", *where, key)

    def _node_label(self, raw: _Service, where: _Location) -> Iterator[tuple[Path, str, str, _Location]]:
        primary, backup = raw.primary_node_label, raw.backup_node_label
        if primary is not None and backup is not None:
            key = raw.node_label_key or "role"
            yield ("spec", "template", "spec", "nodeSelector", key), primary, backup, ("backup_node_label",)
        elif primary is not None or backup is not None:
            missing = "backup_node_label" if backup is None else "primary_node_label"
            self._fault(f"needs a `{missing}`", *where)
        elif raw.node_label_key is not None:
            self._fault("needs `primary_node_label` and `backup_node_label`", *where, "node_label_key")

    def _claims(self, raw: _Service, where: _Location) -> Iterator[tuple[Path, str, str, _Location]]:
        for index, volume in enumerate(raw.volumes):
            if volume.name in {other.name for other in raw.volumes[:index]}:
                self._fault(f"volume {volume.name!r} is named twice", *where, "volumes", index)
            yield _claim(volume.name), volume.primary_pvc, volume.backup_pvc, ("volumes", index, "backup_pvc")
        short = {key: getattr(raw, key) for key in ("volume_name", "primary_pvc", "backup_pvc")}
        missing = [key for key, value in short.items() if value is None]
        if raw.volumes and len(missing) < 3:
            self._fault("expected `volumes`, or volume_name, primary_pvc and backup_pvc, not both", *where, "volumes")
        elif 0 < len(missing) < 3:
            self._fault("needs " + " and ".join(f"`{key}`" for key in missing), *where)
        elif not missing:
            yield _claim(short["volume_name"]), short["primary_pvc"], short["backup_pvc"], ("backup_pvc",)

    def _free(self, raw: _Service, where: _Location) -> Iterator[Switch]:
        for index, switch in enumerate(raw.switches):
            here = (*where, "switches", index)
            if switch.primary == switch.backup and type(switch.primary) is type(switch.backup):
                self._fault(f"primary and backup are the same ({_shown(switch.primary)})", *here, "backup")
            if "type" not in switch.allow and _kind(switch.primary) != _kind(switch.backup):
                self._fault(
                    f"expected two values of one type, not {_shown(switch.primary)} and {_shown(switch.backup)}"
                    " (or `allow: [type]`)",
                    *here,
                    "backup",
                )
            try:
                path = parse_path(switch.path)
            except BadPath as exc:
                self._fault(exc.detail, *here, "path")
                continue
            selector = Selector(kind=switch.kind, name=switch.name, namespace=switch.namespace)
            yield Switch(switch.file, selector, path, switch.primary, switch.backup, frozenset(switch.allow))

    def _refuse_shared_scalars(self, services: Mapping[str, Service]) -> None:
        """Two services may not claim one scalar: each would undo the other's move."""
        claimed: dict[tuple[Branch, str], list[tuple[str, Switch]]] = {}
        for service in services.values():
            for switch in service.switches:
                others = claimed.setdefault((service.branch, format_path(switch.path)), [])
                rival = next((name for name, other in others if _same_scalar(switch, other)), None)
                if rival is not None:
                    what = "twice by this service" if rival == service.name else f"by service {rival!r} too"
                    self._fault(f"{format_path(switch.path)} is claimed {what}", "services", service.name)
                others.append((service.name, switch))


def _claim(volume: str) -> Path:
    return parse_path(f"spec.template.spec.volumes[name={_quoted(volume)}].persistentVolumeClaim.claimName")


def _quoted(text: str) -> str:
    return (
        text if re.fullmatch(r"[A-Za-z0-9._-]+", text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def _same_scalar(one: Switch, other: Switch) -> bool:
    """In doubt yes: an unset kind, name, namespace or file may be the other's."""
    pairs = (
        (one.file, other.file),
        (one.selector.kind, other.selector.kind),
        (one.selector.name, other.selector.name),
        (one.selector.namespace, other.selector.namespace),
    )
    return all(a is None or b is None or a == b for a, b in pairs)


def _kind(value: Value) -> str:
    """Numbers are one type, as in a manifest."""
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def _shown(value: object) -> str:
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return repr(value)


# Errors with the line of the key they are about.


def _compose(text: str, file: str) -> Node | None:
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as exc:
        raise _not_yaml(file, exc) from exc
    except RecursionError as exc:
        raise CatalogInvalid(f"{file}:1: : nested too deeply") from exc
    return node


def _load(text: str, file: str) -> object:
    try:
        data: object = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError) as exc:
        raise _not_yaml(file, exc) from exc
    return {} if data is None else data


def _not_yaml(file: str, exc: Exception) -> CatalogInvalid:
    mark = getattr(exc, "problem_mark", None)
    problem = exc.problem if isinstance(exc, MarkedYAMLError) else str(exc)
    line = mark.line + 1 if mark is not None else 1
    return CatalogInvalid(f"{file}:{line}: : not YAML: {' '.join(str(problem).split())}")


def _say(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "unknown key"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"expected a mapping, not {_shown(error['input'])}"
        case "list_type":
            return f"expected a list, not {_shown(error['input'])}"
        case "bool_type":
            return f"expected true or false, not {_shown(error['input'])}"
        case "literal_error":
            return f"expected {context['expected']}, not {_shown(error['input'])}"
        case "string_too_short":
            return "expected text, not an empty string"
        case _:
            return str(error["msg"])


def _invalid(file: str, root: Node | None, errors: Any) -> CatalogInvalid:
    """All errors as `FILE:LINE: KEY: message`, in the order of their lines."""
    lines = []
    for location, message in errors:
        line, keys = _find(root, location)
        lines.append((line, f"{file}:{line}: {keys}: {message}"))
    texts = [text for _, text in sorted(lines)]
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    invalid = CatalogInvalid(texts[0] + more)
    invalid.errors = tuple(texts)
    return invalid


def _find(root: Node | None, location: _Location) -> tuple[int, str]:
    """The line of the deepest key of `location` that is in the file, and the location as text."""
    node, line, keys = root, 1, ""
    for step in location:
        match node:
            case MappingNode():
                keys += f".{step}" if keys else str(step)
                pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
                line, node = (pair[0].start_mark.line + 1, pair[1]) if pair else (line, None)
            case SequenceNode() if isinstance(step, int) and step < len(node.value):
                keys += f"[{step}]"
                node = node.value[step]
                line = node.start_mark.line + 1
            case _:
                break
    return line, keys
