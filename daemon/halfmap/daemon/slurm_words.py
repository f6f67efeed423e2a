"""Slurm's words for states and reasons, each with what it means for the daemon and in plain words."""

from enum import Enum, auto


class Phase(Enum):
    """Where a job of Slurm's stands, as far as the daemon acts on it."""

    WAITING = auto()
    """It starts, or starts again, by itself."""
    STUCK = auto()
    """It starts only if a person does something."""
    RUNNING = auto()
    ENDING = auto()
    """Its processes are being removed."""
    ENDED = auto()
    """Slurm says that it is over."""
    UNSEEN = auto()
    """Slurm does not know it: over and forgotten, or never taken."""


_LET_GO = "`scontrol release {job}` lets it go on"

STATES: dict[str, tuple[Phase, str]] = {
    # a job may have several of these words: the first here is the one that counts
    "COMPLETING": (Phase.ENDING, "ends in Slurm: its processes are being removed"),
    "STAGE_OUT": (Phase.ENDING, "ends in Slurm: its files are being copied"),
    "SPECIAL_EXIT": (Phase.STUCK, f"is held by Slurm after a special exit code; {_LET_GO}"),
    "REQUEUE_HOLD": (Phase.STUCK, f"was put back in Slurm's queue and is held; {_LET_GO}"),
    "RESV_DEL_HOLD": (Phase.STUCK, f"is held by Slurm because its reservation was deleted; {_LET_GO}"),
    "REQUEUED": (Phase.WAITING, "goes back to Slurm's queue"),
    "REQUEUE": (Phase.WAITING, "goes back to Slurm's queue"),
    "REQUEUE_FED": (Phase.WAITING, "goes back to the queue of Slurm's federation"),
    "NODE_FAIL": (Phase.ENDED, "its node failed, and Slurm did not queue it again; resume it"),
    "PREEMPTED": (Phase.ENDED, "another job took its place, and Slurm did not queue it again; resume it"),
    "OUT_OF_MEMORY": (Phase.ENDED, "it used more memory than it had asked Slurm for; ask for more, then resume it"),
    "TIMEOUT": (Phase.ENDED, "it reached its time limit in Slurm; ask for more time, then resume it"),
    "DEADLINE": (Phase.ENDED, "Slurm ended it, as it could not be done by its deadline"),
    "BOOT_FAIL": (Phase.ENDED, "its node could not be started"),
    "REVOKED": (Phase.ENDED, "another cluster of Slurm's federation has taken it"),
    "CANCELLED": (Phase.ENDED, "it was cancelled in Slurm"),
    "FAILED": (Phase.ENDED, "Slurm says that its batch script failed"),
    "COMPLETED": (Phase.ENDED, "Slurm says that it has completed"),
    "PENDING": (Phase.WAITING, "waits in Slurm's queue"),
    "SUSPENDED": (Phase.RUNNING, "is suspended by Slurm: it stands still until Slurm, or an administrator, resumes it"),
    "STOPPED": (Phase.RUNNING, "was stopped by a signal: it stands still, and keeps its node"),
    "CONFIGURING": (Phase.RUNNING, "has a node, which is being made ready"),
    "POWER_UP_NODE": (Phase.RUNNING, "has a node, which is being switched on"),
    "RUNNING": (Phase.RUNNING, "runs in Slurm"),
}

_STUCK = {
    "JobHeldUser": f"it is held; {_LET_GO}",
    "JobHeldAdmin": "an administrator holds it",
    "JobHoldMaxRequeue": f"it was queued again too often; {_LET_GO}",
    "launch failed requeued held": f"its node could not launch it; have the node looked at, and then {_LET_GO}",
    "DependencyNeverSatisfied": "what it depends on can no longer come",
    "BadConstraints": "no node has what it asks for",
    "PartitionTimeLimit": "it asks for more time than the partition gives",
    "AccountNotAllowed": "its account may not use the partition",
    "InvalidAccount": "Slurm does not know its account",
    "InvalidQOS": "Slurm does not know its quality of service",
}
_WAITING = {
    "Resources": "the cores, cards or memory that it asks for are in use",
    "Priority": "others come before it",
    "BeginTime": "it may not start yet",
    "Dependency": "it depends on another job",
    "Licenses": "a licence is not free",
    "Cleaning": "what its last run left is being removed",
    "Prolog": "its node is being prepared",
    "Reservation": "its reservation has not begun",
    "NodeDown": "the node that it needs is down",
    "ReqNodeNotAvail": "the node that it needs is down, drained or reserved",
    "Nodes required for job are DOWN": "the nodes that it needs are down, drained or reserved",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition starts no jobs now",
    "PartitionNodeLimit": "it asks for more nodes than the partition gives, or they are down",
}
_NO_REASON = frozenset({"", "None", "WaitingForScheduling"})


def why_waiting(reason: str) -> tuple[Phase, str]:
    """Tell whether a pending job will start by itself, and in words why it waits; "" where Slurm gives no reason.

    Slurm's own words stand in the sentence as they are.
    """
    key = reason.partition(",")[0].strip("() ").replace("_", " ")
    if key in _NO_REASON:
        return Phase.WAITING, ""
    if key in _STUCK:
        return Phase.STUCK, f"{_STUCK[key]} ({reason})"
    meaning = _WAITING.get(key) or _limit(key)
    return Phase.WAITING, f"{meaning} ({reason})" if meaning else reason


def _limit(key: str) -> str:
    """Slurm has some sixty reasons of this kind, and gets more."""
    if key.startswith("QOS"):
        return "a limit of its quality of service is reached"
    return "a limit of its account is reached" if key.startswith("Assoc") else ""
