"""How long a client waits for the daemon, and what it says when there is none."""

ANSWER_S = 60.0
"""How long an answer may take; a submission waits for a slow file system."""


class DaemonAway(Exception):
    """No daemon answers; the message says where it was looked for and how it is started."""
