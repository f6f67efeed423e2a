"""``python -m halfmap.commands``, the same as ``halfmap``; the daemon starts jobs by it."""

import os
import sys

from halfmap.commands import main
from halfmap.contract.exit_codes import ExitCode

_OPTIONS_REFUSED = 2
"""With which argparse ends."""


def run() -> int:
    """Run a command; of a job, options that cannot be read are bad input, and no word that it was stopped."""
    try:
        return main()
    except SystemExit as end:
        if end.code == _OPTIONS_REFUSED and "HALFMAP_ATTEMPT" in os.environ:
            return ExitCode.BAD_INPUT
        raise


if __name__ == "__main__":
    sys.exit(run())
