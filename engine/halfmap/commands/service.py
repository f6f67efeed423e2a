"""``halfmap service install``: the daemon as a service of the user's own systemd."""

import argparse
import os
import sys
from collections.abc import Sequence

from halfmap.daemon import service_unit

_PASSED_ON = ("HALFMAP_STATE_DIR", "HALFMAP_RUNTIME_DIR", "HALFMAP_CONFIG", "PATH", "LD_LIBRARY_PATH")


def main(argv: Sequence[str]) -> int:
    """Write the unit, and tell the commands that remain."""
    options = parser().parse_args(argv)
    command = [sys.executable, "-m", "halfmap.daemon"]
    environment = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
    text = service_unit.unit_text(command, environment)
    if options.verb == "show":
        print(text, end="")
        return 0
    try:
        installed = service_unit.install(text, os.environ)
    except OSError as error:
        print(f"ERROR: {error.filename}: {error.strerror}; the unit was not written.", file=sys.stderr)
        return 1
    print(f"Written: {installed.unit}\nNow run:")
    for words in installed.commands:
        print(f"  {words}")
    if not service_unit.has_user_systemd(os.environ):
        print("NOTE: no systemd of yours answers here; without it, `halfmap daemon start` does the same by itself.")
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(prog="halfmap service", description="The daemon as a systemd user service.")
    verbs = made.add_subparsers(dest="verb", required=True, metavar="install|show")
    verbs.add_parser("install", help="write the unit; prints the commands that start it and keep it after logout")
    verbs.add_parser("show", help="print the unit")
    return made
