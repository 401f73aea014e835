"""The words for how far a service is in its cluster."""

from enum import StrEnum


class Stage(StrEnum):
    """How far it is."""

    WAITING_FOR_APPLY = "waiting-for-apply"
    ROLLING_OUT = "rolling-out"
    SERVING = "serving"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    ABSENT = "absent"
    UNKNOWN = "unknown"
