"""``python -m tests.recording PROJECT``: refine, and write the recording that the demonstration shows.

PROJECT is a copy of the hiv-twin data set that may be written into; it is made with ``cp -r`` and ``chmod -R u+w``. The
two refinements take a quarter of an hour on two cores. With ``--again`` those that are there already are taken.
"""

import argparse
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.recording.reduce import write_recording
from tests.recording.runs import RUNS, make_mask, refine

RECORDING = REPOSITORY / "tui" / "halfmap" / "tui" / "demo" / "recording.zip"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.recording", description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("--again", action="store_true", help="take the runs that are there")
    options = parser.parse_args()
    if not options.again:
        make_mask(options.project)
        for run in RUNS:
            refine(options.project, run)
    write_recording(options.project, RECORDING)
    print(f"{RECORDING}: {RECORDING.stat().st_size} bytes")  # noqa: T201 - for whoever starts it


if __name__ == "__main__":
    main()
