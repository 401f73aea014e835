"""The keys of the JSON bodies: what each means, with an example. models/ puts them together.

What is read from Git (the action and the sides of a history entry) is text: an older or a newer version may have
written a word that this one does not know.
"""

from typing import Annotated, Literal

from pydantic import Field

from failover_api.core.catalog.automatic import Meaning, Mode
from failover_api.core.catalog.model import Action
from failover_api.core.catalog.replication import ReplicationKind
from failover_api.core.planning.state import State
from failover_api.core.planning.wave_progress import OperationState
from failover_api.core.safety.hazard import Severity
from failover_api.core.safety.node_states import NodeState
from failover_api.core.safety.replication_states import ReplicationState
from failover_api.core.safety.rollout.stages import Stage
from failover_api.edges import examples

Scalar = str | bool | int | float | None

# What is moved
Service = Annotated[str, Field(description="The service's name in the catalog.", examples=["sonarr"])]
Services = Annotated[list[str], Field(description="Names of services.", examples=[["sonarr", "radarr"]])]
Group = Annotated[str, Field(description="The group's name in the catalog.", examples=["k3s-w1"])]
Groups = Annotated[list[str], Field(description="The groups that the service is in.", examples=[["k3s-w1"]])]
Repository = Annotated[str, Field(description="Where the manifests are: owner/name.", examples=["acme/homelab"])]
BranchName = Annotated[str, Field(description="The branch that the cluster follows.", examples=["main"])]
PolicyWord = Annotated[
    Literal["direct", "pull_request"],
    Field(description="How a change reaches the branch: by a commit, or by a pull request.", examples=["direct"]),
]
PolicyOrMixed = Annotated[
    Literal["direct", "pull_request", "mixed"],
    Field(description="As a service's policy; mixed: a group has services of both.", examples=["direct"]),
]
PrimaryNodes = Annotated[
    list[str], Field(description="The Kubernetes nodes behind primary; none: not known.", examples=[["k3s-w1"]])
]
BackupNodes = Annotated[
    list[str], Field(description="The Kubernetes nodes behind backup; none: not known.", examples=[["k3s-w2"]])
]

# Where it is
SideNow = Annotated[
    State,
    Field(
        description="primary, backup, mixed (some values each way) or unknown (on neither side, or unreadable).",
        examples=["primary"],
    ),
]
SideBefore = Annotated[State, Field(alias="from", description="Where it was.", examples=["primary"])]
SideAfter = Annotated[State, Field(description="Where it is moved to.", examples=["backup"])]
MemberBefore = Annotated[
    State | None, Field(alias="from", description="Where it was; null: it was left out.", examples=["primary"])
]
MemberAfter = Annotated[State | None, Field(description="Where it is moved to; null: left out.", examples=["backup"])]
File = Annotated[str, Field(description="Path of the manifest in the repository.", examples=[examples.FILE])]
Document = Annotated[str, Field(description="Kind, namespace and name of the document.", examples=[examples.DOCUMENT])]
Path = Annotated[str, Field(description="Where the value is in the document.", examples=[examples.PATH])]
Line = Annotated[int, Field(description="Its line in the file, from 1.", examples=[21])]
Value = Annotated[Scalar, Field(description="The value that stands there, with its YAML type.", examples=["primary"])]
PrimaryValue = Annotated[Scalar, Field(description="The value that means primary.", examples=["primary"])]
BackupValue = Annotated[Scalar, Field(description="The value that means backup.", examples=["backup"])]
OldValue = Annotated[Scalar, Field(description="The value before the move.", examples=["primary"])]
NewValue = Annotated[Scalar, Field(description="The value after the move.", examples=["backup"])]

# Commits and pull requests
Sha = Annotated[str, Field(description="The commit's id.", examples=[examples.SHA])]
CommitUrl = Annotated[str, Field(description="Where to see the commit.", examples=[examples.COMMIT_URL])]
Signed = Annotated[bool, Field(description="GitHub says that its signature is good.", examples=[True])]
Number = Annotated[int, Field(description="The pull request's number.", examples=[12])]
PullRequestUrl = Annotated[
    str, Field(description="Where to see the pull request.", examples=[examples.PULL_REQUEST_URL])
]
HeadBranch = Annotated[str, Field(description="The branch that it comes from.", examples=["failover/sonarr"])]
PullRequestState = Annotated[
    Literal["open", "merged", "closed"], Field(description="What became of it.", examples=["open"])
]

# A move
NodeName = Annotated[str, Field(description="The node's name in Kubernetes.", examples=["k3s-w1"])]
NodeStateWord = Annotated[
    NodeState,
    Field(
        description="ready; suspect: not heard of, or not ready; dead: not heard of for `dead_for`; flapping: it comes "
        "and goes; unwell: it says itself that it is not ready; planned: cordoned; unknown: not seen.",
        examples=["ready"],
    ),
]
ModeWord = Annotated[Mode, Field(description="none, observe or act, as the catalog has it.", examples=["observe"])]
JudgedState = Annotated[
    str,
    Field(
        description="ready, suspect, dead (for long enough to act), flapping, planned (cordoned), unwell or unknown.",
        examples=["ready"],
    ),
]
SinceOrNull = Annotated[
    str | None,
    Field(description="Since when, by the cluster's clock; null: not known.", examples=["2026-11-29T21:45:00Z"]),
]
ActsAt = Annotated[
    str | None,
    Field(description="When it would act, if all stays so; null: not in sight.", examples=["2026-11-30T20:05:00Z"]),
]
Evacuate = Annotated[Literal["evacuate"], Field(description="What was asked for.", examples=["evacuate"])]
Unplaced = Annotated[
    list[str], Field(description="Services of which nobody knows the node; they stay.", examples=[["plex"]])
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
RelocationTarget = Annotated[
    Literal["primary", "backup"], Field(description="The side that it brings the service to.", examples=["primary"])
]
RelocationStepName = Annotated[str, Field(description="Which of the five it is.", examples=["final-sync"])]
RelocationStateWord = Annotated[
    Literal["running", "waiting", "stopped", "done"],
    Field(
        description="running: it goes on; waiting: something is in the way, or it takes longer than it may, and it "
        "goes on by itself when it can; stopped: nothing more is done; done: it serves on its target, and that is "
        "copied again.",
        examples=["running"],
    ),
]
RelocationReason = Annotated[
    str,
    Field(
        description='What it waits for, or what stopped it; "": nothing is to be said.',
        examples=["ReplicationSource media/sonarr-to-w1 syncs since 2026-11-29 21:45 UTC."],
    ),
]
RelocationCure = Annotated[str, Field(description="What to do about that.", examples=[""])]
WaitedS = Annotated[float, Field(description="For how many seconds the step has been under way.", examples=[12.0])]
LimitS = Annotated[
    float | None, Field(description="For how many seconds it may be; null: for as long as it takes.", examples=[1800.0])
]
DowntimeS = Annotated[
    float | None,
    Field(
        description="For how many seconds the app served nowhere, from quiesce seen to serving; null: not known yet.",
        examples=[41.0],
    ),
]
EntryStep = Annotated[
    str, Field(description="Which step it is; of what ended the relocation early, where.", examples=["3/5 final-sync"])
]
StepStateWord = Annotated[
    Literal["to-come", "running", "done"],
    Field(description="done: it has ended, or had nothing to do.", examples=["running"]),
]
RelocationStepAt = Annotated[
    str | None, Field(description="When its newest commit was made; null: none is.", examples=["2026-11-29T21:45:00Z"])
]
Proof = Annotated[
    str,
    Field(
        description="What was seen that let the relocation come to this step.",
        examples=["serving at 2026-11-29T21:45:00Z"],
    ),
]
WaveStateWord = Annotated[
    OperationState,
    Field(
        description="waiting: not written yet; running: written, and being waited for; done: all of it serves; "
        "stopped: some of it did not come up, or is held.",
        examples=["running"],
    ),
]
OperationStateWord = Annotated[
    OperationState,
    Field(
        description="running: something is still to come; done: all of it serves; stopped: some did not come up, and "
        "what waits for it is held.",
        examples=["running"],
    ),
]
WaveReason = Annotated[
    str,
    Field(
        description='Whom it waits for, or what went wrong; "": nothing is to be said.',
        examples=["paperless-db: rolling-out"],
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
HazardSlug = Annotated[str, Field(description="The hazard's name; more may come.", examples=["claim-unknown"])]
HazardSlugs = Annotated[list[str], Field(description="The names of the hazards.", examples=[["claim-unknown"]])]
SeverityWord = Annotated[
    Severity, Field(description="info, warn, or stop: a move is refused until it is accepted.", examples=["warn"])
]
Worst = Annotated[
    Severity | None, Field(description="The highest severity; null: there is no hazard.", examples=["warn"])
]
About = Annotated[str, Field(description="The document that it is about.", examples=[examples.DOCUMENT])]
Where = Annotated[
    str | None, Field(description="File and line; null: it is no one place.", examples=[f"{examples.FILE}:12"])
]
HazardDetail = Annotated[
    str,
    Field(
        description="What may go wrong, and why.",
        examples=["The claim pvc-sonarr-backup is nowhere in the repository."],
    ),
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
SeenAt = Annotated[str, Field(description="When it was seen, by the API server's clock.", examples=[examples.SEEN])]
LiveSide = Annotated[
    State, Field(description="The side that what runs belongs to; unknown: nobody can tell.", examples=["backup"])
]
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
PodNode = Annotated[str | None, Field(description="The node of the pod; null: there is none.", examples=["k3s-w2"])]
PodName = Annotated[str | None, Field(description="The pod; null: there is none.", examples=["sonarr-7d4b9-x2x7k"])]
Since = Annotated[
    str | None, Field(description="Since when the stage is as it is; null: not known.", examples=[examples.SEEN])
]
StageReason = Annotated[str, Field(description="Why it is not serving, in plain words; empty: it is.", examples=[""])]
StageCure = Annotated[str, Field(description="What to do about it; empty: nothing, or not known.", examples=[""])]
ReplicationKindWord = Annotated[
    ReplicationKind, Field(description="As in the catalog: volsync; manual, which nobody sees.", examples=["volsync"])
]
ReplicationStateWord = Annotated[
    ReplicationState,
    Field(
        description=(
            "protected (it is copied, and the copy is young enough), stale (older than `max_data_age`, or than a day), "
            "failing (nothing is copied, or the last sync failed), parked (both ends are paused), seeding (a "
            "relocation fills it), unknown (it is not seen, or nobody can tell)."
        ),
        examples=["protected"],
    ),
]
DataAsOf = Annotated[
    str | None,
    Field(description="The time of the data in the copy; null: not known.", examples=["2026-11-29T21:45:00Z"]),
]
LastSync = Annotated[
    str | None, Field(description="When the copy was finished; null: not known.", examples=["2026-11-29T21:46:03Z"])
]
InFlight = Annotated[bool, Field(description="Whether a sync has begun and has not ended.", examples=[False])]
ReplicationReason = Annotated[
    str, Field(description="Why it is not protected, in plain words; empty: it is.", examples=[""])
]
StepName = Annotated[
    Literal["proposed", "merged", "committed", "fetched", "applied", "started", "ready", "verified"],
    Field(
        description="proposed and merged are of pull requests, verified of services with `verify`.", examples=["ready"]
    ),
]
StepAt = Annotated[
    str | None,
    Field(
        description="When it had come; null: it has not, or `detail` says why nobody can tell. Never before the last.",
        examples=[examples.SEEN],
    ),
]
StepDetail = Annotated[str, Field(description="More of it, or what is not known of it.", examples=[""])]
Done = Annotated[
    bool, Field(description="The newest move is seen serving, and nothing more is waited for.", examples=[True])
]

# History
EntryKind = Annotated[
    Literal["failover", "edit"], Field(description="A move, or a person's commit.", examples=["failover"])
]
Time = Annotated[str, Field(description="RFC 3339, in UTC.", examples=["2026-11-23T04:00:00Z"])]
EntryAction = Annotated[
    str | None,
    Field(description="promote, demote or rollback, as Git has it; null for an edit.", examples=["promote"]),
]
EntryBefore = Annotated[
    str | None,
    Field(alias="from", description="The side before, as Git has it; null for an edit.", examples=["primary"]),
]
EntryAfter = Annotated[
    str | None, Field(description="The side after, as Git has it; null for an edit.", examples=["backup"])
]
By = Annotated[str, Field(description="Who asked for it, or wrote the commit.", examples=["ops-laptop"])]
Reason = Annotated[str | None, Field(description="Why; null: none was given.", examples=["k3s-w1 is down"])]
EntryOperation = Annotated[
    str | None, Field(description="The ULID of the move; null for an edit.", examples=[examples.ULID])
]
Subject = Annotated[str, Field(description="The commit's first line.", examples=["Fail over sonarr to backup"])]
Audited = Annotated[
    bool | None,
    Field(
        description=(
            "Of a failover: true, its diff does what its trailers say; null, that cannot be proved. Of an edit: false, "
            "its trailers say that it was a failover, and its diff does something else; null, they do not."
        ),
        examples=[True],
    ),
]
NextCursor = Annotated[
    str | None, Field(description="The `cursor` of the next page; null: this is the last.", examples=["djE6c29uYXJy"])
]

# Problems
ProblemType = Annotated[
    str,
    Field(
        description="Names the problem for programs. The page /docs has what to do, at the last word: /docs#conflict.",
        examples=["urn:failover-api:problem:manifest-drifted"],
    ),
]
Title = Annotated[str, Field(description="The kind of problem, in words.", examples=["A value is on neither side"])]
Status = Annotated[int, Field(description="The HTTP status.", examples=[409])]
Detail = Annotated[
    str,
    Field(
        description="What went wrong, where, and what was expected.",
        examples=[examples.DRIFTED],
    ),
]
Instance = Annotated[
    str | None, Field(description="The request's id, which the log has too.", examples=["01JDQ3Z5Y8V6T4R2P0N9M7K5H4"])
]
Applied = Annotated[
    Literal["not-applied", "unknown"],
    Field(description="unknown: it may have been written; look before you ask again.", examples=["not-applied"]),
]
ConfigError = Annotated[
    str | None,
    Field(
        description="FILE:LINE: KEY: message, when the newest catalog was refused and the last good one is in force.",
        examples=["config/services.yaml:12: deploiment: unknown key"],
    ),
]

# The process
Alive = Annotated[Literal["alive"], Field(description="The process answers.", examples=["alive"])]
Ready = Annotated[Literal["ready"], Field(description="It can work.", examples=["ready"])]
ProductVersion = Annotated[str, Field(description="Of failover-api.", examples=["0.2.0"])]
ApiVersion = Annotated[
    str, Field(description="Of this API: what a client relies on stays while it is the same.", examples=["0.2"])
]
PythonVersion = Annotated[str, Field(description="Of the Python that runs it.", examples=["3.14.0"])]


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
MeansOrNull = Annotated[
    Meaning | None,
    Field(description="What the catalog says that it means; null: nothing.", examples=["evacuate"]),
]
HeldBy = Annotated[
    str | None,
    Field(description="The gate that holds it; null: none does. More may come.", examples=["stale-alert"]),
]
