"""A wave as trailers, and back.

Failover-Wave: 1/3
Failover-Members: db, app, cache, web         of all waves, first to last
Failover-Wave-Sizes: 1, 2, 1                  how many of them each wave has
Failover-Wave-Options: supersede, @k3s-w1, cache=demote, web:claim-empty
"""

import re
from collections.abc import Iterator, Mapping

from failover_api.core.catalog.schema import NAME
from failover_api.core.hazard_slugs import SLUGS
from failover_api.core.planning.waves import Wave, waves_of

WAVE_KEYS = ("Wave", "Members", "Wave-Sizes", "Wave-Options")
MAX_MEMBERS = 1000
_NUMBER = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")
_SIZE = re.compile(r"[1-9][0-9]{0,3}")
_NODE = re.compile(r"@([a-z0-9][-a-z0-9.]{0,252}|\*)")
_SUPERSEDE = "supersede"
_ACTIONS = frozenset({"promote", "demote"})


def write_wave(wave: Wave) -> dict[str, str]:
    """{key: value}; "" where there is nothing to say."""
    options = [
        *([_SUPERSEDE] if wave.supersede else []),
        *([f"@{wave.node}"] if wave.node else []),
        *(f"{name}={action}" for name, action in wave.actions),
        *wave.accept,
    ]
    values = (
        f"{wave.number}/{wave.count}",
        ", ".join(wave.members),
        ", ".join(str(len(members)) for members in wave.waves),
        ", ".join(options),
    )
    return dict(zip(WAVE_KEYS, values, strict=True))


def read_wave(run: Mapping[str, str]) -> Wave | None:
    """What a run of trailers says of a wave; None where it says none, or nothing that can be meant."""
    number, names, sizes, options = (run.get(key, "") for key in WAVE_KEYS)
    match, members, counts = _NUMBER.fullmatch(number), _listed(names), _listed(sizes)
    if match is None or not all(map(_SIZE.fullmatch, counts)) or not _are_names(members):
        return None
    waves = waves_of(members, list(map(int, counts)))
    if waves is None or int(match[2]) != len(waves) or int(match[1]) > len(waves):
        return None
    said = _listed(options)
    node = next((match[1] for match in map(_NODE.fullmatch, said) if match), "")
    return Wave(int(match[1]), waves, tuple(_actions(said, members)), tuple(_accepted(said)), _SUPERSEDE in said, node)


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _are_names(members: list[str]) -> bool:
    return 0 < len(members) <= MAX_MEMBERS and all(map(NAME.fullmatch, members))


def _actions(options: list[str], members: list[str]) -> Iterator[tuple[str, str]]:
    for option in options:
        name, _, action = option.partition("=")
        if name in members and action in _ACTIONS:
            yield name, action


def _accepted(options: list[str]) -> Iterator[str]:
    for option in options:
        name, _, slug = option.partition(":")
        if NAME.fullmatch(name) and slug in SLUGS:
            yield option
