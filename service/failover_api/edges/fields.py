"""The keys that several of the JSON bodies have: what each means, with an example. What one alone has is in models/."""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.core.catalog.model import Action
from failover_api.core.planning.state import State
from failover_api.core.safety.rollout.stages import Stage
from failover_api.edges import examples

Scalar = str | bool | int | float | None

# What is moved
Service = Annotated[str, Field(description="The service's name in the catalog.", examples=["sonarr"])]
Group = Annotated[str, Field(description="The group's name in the catalog.", examples=["k3s-w1"])]
PolicyWord = Annotated[
    Literal["direct", "pull_request"],
    Field(description="How a change reaches the branch: by a commit, or by a pull request.", examples=["direct"]),
]
PolicyOrMixed = Annotated[
    Literal["direct", "pull_request", "mixed"],
    Field(description="As a service's policy; mixed: a group has services of both.", examples=["direct"]),
]

# Where it is
SideNow = Annotated[
    State,
    Field(
        description="primary, backup, mixed (some values each way) or unknown (on neither side, or unreadable).",
        examples=["primary"],
    ),
]
SideAfter = Annotated[State, Field(description="Where it is moved to.", examples=["backup"])]
File = Annotated[str, Field(description="Path of the manifest in the repository.", examples=[examples.FILE])]
Document = Annotated[str, Field(description="Kind, namespace and name of the document.", examples=[examples.DOCUMENT])]
Path = Annotated[str, Field(description="Where the value is in the document.", examples=[examples.PATH])]
Line = Annotated[int, Field(description="Its line in the file, from 1.", examples=[21])]

# A move
NodeName = Annotated[str, Field(description="The node's name in Kubernetes.", examples=["k3s-w1"])]
SinceOrNull = Annotated[
    str | None,
    Field(description="Since when, by the cluster's clock; null: not known.", examples=["2026-11-29T21:45:00Z"]),
]
ActsAt = Annotated[
    str | None,
    Field(description="When it would act, if all stays so; null: not in sight.", examples=["2026-11-30T20:05:00Z"]),
]
ActionWord = Annotated[Action, Field(description="What was asked for.", examples=["promote"])]
IsDryRun = Annotated[bool, Field(description="True: nothing was written.", examples=[False])]
Changed = Annotated[
    bool, Field(description="Whether this call changed something, or would; false: nothing to do.", examples=[True])
]
Diff = Annotated[
    str,
    Field(
        description="A unified diff of all files; empty when nothing changes.",
        examples=[examples.DIFF],
    ),
]
Operation = Annotated[
    str | None,
    Field(
        description="The ULID that Git knows the move by; null: nothing was to be written.", examples=[examples.ULID]
    ),
]
RelocationStepName = Annotated[str, Field(description="Which of the five it is.", examples=["final-sync"])]
Proof = Annotated[
    str,
    Field(
        description="What was seen that let the relocation come to this step.",
        examples=["serving at 2026-11-29T21:45:00Z"],
    ),
]
Message = Annotated[
    str,
    Field(description="One sentence a person can read.", examples=[examples.MESSAGE]),
]
Warnings = Annotated[
    list[str],
    Field(
        description="What went wrong beside the move, and what the opposite move will not bring back byte for byte.",
        examples=[
            ["Nobody is told of it, as far as is known: /etc/failover/urls: cannot read the URLs of notifications."]
        ],
    ),
]

# Hazards
Where = Annotated[
    str | None, Field(description="File and line; null: it is no one place.", examples=[f"{examples.FILE}:12"])
]
Cure = Annotated[str, Field(description="What to do about it.", examples=["Correct backup_pvc in the catalog."])]
HazardsComplete = Annotated[
    bool,
    Field(
        description=(
            "All was looked at that hazards are found in; false: the repository's other manifests, which a dry run "
            "reads, or the cluster were not, or the look failed."
        ),
        examples=[True],
    ),
]

# The cluster
StageWord = Annotated[
    Stage,
    Field(
        description=(
            "waiting-for-apply (what runs is not what Git says), rolling-out, serving (a ready pod on the side's node "
            "with the side's claims), blocked (it will not go on by itself), stopped (no replicas), absent, unknown."
        ),
        examples=["serving"],
    ),
]
Since = Annotated[
    str | None, Field(description="Since when the stage is as it is; null: not known.", examples=[examples.SEEN])
]
StageReason = Annotated[str, Field(description="Why it is not serving, in plain words; empty: it is.", examples=[""])]
StageCure = Annotated[str, Field(description="What to do about it; empty: nothing, or not known.", examples=[""])]

# History
Time = Annotated[str, Field(description="RFC 3339, in UTC.", examples=["2026-11-23T04:00:00Z"])]
By = Annotated[str, Field(description="Who asked for it, or wrote the commit.", examples=["ops-laptop"])]

# Problems
ProblemType = Annotated[
    str,
    Field(
        description="Names the problem for programs. The page /docs has what to do, at the last word: /docs#conflict.",
        examples=["urn:failover-api:problem:manifest-drifted"],
    ),
]
Title = Annotated[str, Field(description="The kind of problem, in words.", examples=["A value is on neither side"])]
Detail = Annotated[
    str,
    Field(
        description="What went wrong, where, and what was expected.",
        examples=[examples.DRIFTED],
    ),
]


# Alerts

AlertResult = Annotated[
    str,
    Field(
        description="moved; proposed: a pull request is open; would-move: it only observes; nothing-to-do: it is there "
        "already; held: a gate holds it; refused: as by hand; witness: it is kept as one; withdrawn: a witness was; "
        "ignored: it means nothing here; forbidden: its sender may not; unreadable. More may come.",
        examples=["held"],
    ),
]
HeldBy = Annotated[
    str | None,
    Field(description="The gate that holds it; null: none does. More may come.", examples=["stale-alert"]),
]
