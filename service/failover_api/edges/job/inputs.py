"""The inputs of action.yml, as arguments of the command line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from failover_api.errors import BadRequest

ACTIONS = ("promote", "demote", "rollback")
EVACUATE = "evacuate"
MODES = ("direct", "remote")
MILESTONES = ("", "merged", "applied", "serving")
_OF_GROUP = "group-"  # no service's name begins so


@dataclass(frozen=True, slots=True)
class StepInputs:
    """One move, of a service, a group or a node. `flags` are the command line's, without values."""

    action: str
    name: str
    is_group: bool
    is_remote: bool
    flags: tuple[str, ...]
    reason: str
    key: str
    accept: tuple[str, ...] = ()
    until: str = ""
    timeout: str = ""
    is_node: bool = False

    @property
    def title(self) -> str:
        return f"{self.action} {'group ' if self.is_group else 'node ' if self.is_node else ''}{self.name}"

    @property
    def words(self) -> list[str]:
        """The words after `failover`. No value can be taken for an option: it stands behind "=" or "--".

        Where something is waited for that cannot be seen, nothing is written: so without `--yes`.
        """
        how = f"--until={self.until}" if self.until else "--yes"
        words = [self.action, "--json", how, *self.flags, *(f"--accept={slug}" for slug in self.accept)]
        words += [f"--timeout={self.timeout}"] if self.timeout else []
        words += [f"--reason={self.reason}"] if self.reason else []
        words += [f"--idempotency-key={self.key}"] if self.key else []
        return [*words, f"--group={self.name}"] if self.is_group else [*words, "--", self.name]


def read_inputs(inputs: Mapping[str, str]) -> StepInputs:
    """Raises BadRequest naming the input that is off. `inputs` are named as in action.yml."""
    is_node = bool(inputs.get(EVACUATE))
    action = _action(inputs, is_node=is_node)
    is_remote = _one_of("mode", inputs, MODES) == "remote"
    name, is_group = (inputs[EVACUATE], False) if is_node else _target(inputs)
    flags = tuple(f"--{flag}" for flag in ("dry-run", "force", "supersede", "skip-refused") if _is_true(flag, inputs))
    if action == "rollback" and (is_group or "--force" in flags):
        raise BadRequest("action: a rollback is of one service, and takes no force")
    if "--skip-refused" in flags and not (is_group or is_node):
        raise BadRequest("skip-refused: is for a group, or with evacuate")
    accept = tuple(slug for slug in re.split(r"[,\s]+", inputs.get("accept", "")) if slug)
    until, timeout = _wait(inputs)
    reason, key = inputs["reason"], inputs["idempotency-key"]
    return StepInputs(action, name, is_group, is_remote, flags, reason, key, accept, until, timeout, is_node)


def _action(inputs: Mapping[str, str], *, is_node: bool) -> str:
    """An evacuation needs none: each service there goes to its other side."""
    if not is_node:
        return _one_of("action", inputs, ACTIONS)
    if inputs["service"] or inputs["group"]:
        raise BadRequest("evacuate: expected without service and group; it moves what is active on the node")
    if inputs["action"] not in ("", EVACUATE):
        raise BadRequest(f"action: expected nothing or evacuate beside evacuate, not {inputs['action'][:40]!r}")
    return EVACUATE


def _wait(inputs: Mapping[str, str]) -> tuple[str, str]:
    """What is waited for, and for how long; "" where the inputs do not say."""
    until, timeout = inputs.get("until", ""), inputs.get("timeout", "")
    if until not in MILESTONES:
        raise BadRequest(f"until: expected merged, applied or serving, not {until[:40]!r}")
    if timeout and not until:
        raise BadRequest("timeout: goes with until")
    return until, timeout


def _target(inputs: Mapping[str, str]) -> tuple[str, bool]:
    """The name, and whether it is a group's."""
    service, group = inputs["service"], inputs["group"]
    if bool(service) == bool(group):
        raise BadRequest("service, group: expected one of them, and not both; or evacuate")
    if service.startswith(_OF_GROUP):
        return service.removeprefix(_OF_GROUP), True
    return service or group, bool(group)


def _one_of(name: str, inputs: Mapping[str, str], choices: tuple[str, ...]) -> str:
    if inputs[name] not in choices:
        raise BadRequest(f"{name}: expected {', '.join(choices[:-1])} or {choices[-1]}, not {inputs[name][:40]!r}")
    return inputs[name]


def _is_true(name: str, inputs: Mapping[str, str]) -> bool:
    if inputs[name] not in {"true", "false", ""}:
        raise BadRequest(f"{name}: expected true or false, not {inputs[name][:40]!r}")
    return inputs[name] == "true"
