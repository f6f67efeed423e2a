"""A ladder on the bench: scripts that stand in for RELION's programs and leave what each of them leaves."""

import time
from pathlib import Path

from halfmap.daemon.client import LadderDetail, LadderDraft, LadderName
from halfmap.daemon.ladder_records import LadderState
from tests.faults.daemon.harness import Bench

NAME = "climb"
TEXT = """# two rungs, without centring
particles = "picks.star"
tomograms = "tomograms.star"
reference = "Reference/reference.mrc"
mask = "Mask/mask.mrc"
symmetry = "C6"
mask_diameter = 160
box_px = 16
binnings = [2, 1]
centre = false
ranks = 1
engine = "relion"
"""
_START = """#!/bin/sh
echo "$HALFMAP_ATTEMPT $$" >> {ledger}
while [ $# -gt 0 ]; do [ "$1" = --o ] && o=$2; [ "$1" = --pipeline_control ] && job=$2; shift; done
if [ -e {broken} ]; then echo broken >&2; touch "$job/RELION_JOB_EXIT_FAILURE"; exit 1; fi
"""
_END = """touch "$job/RELION_JOB_EXIT_SUCCESS"
"""
# the first rung comes to 40 Å, the second one to 30 Å
_REFINE = """[ -e {root}/refined ] && r=30 || r=40
touch {root}/refined
printf '\ndata_optimiser_general\n\n_rlnHasConverged 1\n_rlnOverallAccuracyTranslationsAngst 6\n \n' > ${{o}}_optimiser.star
printf '\ndata_sampling_general\n\n_rlnHealpixOrder 3\n_rlnOffsetStep 2\n \n' > ${{o}}_sampling.star
printf '\ndata_model_general\n\n_rlnCurrentResolution %s\n \n' $r > ${{o}}_model.star
printf '\ndata_model_classes\n\nloop_\n_rlnReferenceImage #1\nm.mrc\n \n' >> ${{o}}_model.star
printf '\ndata_model_class_1\n\nloop_\n_rlnAngstromResolution #1\n_rlnGoldStandardFsc #2\n9 1\n \n' >> ${{o}}_model.star
cp Extract/job001/optimisation_set.star ${{o}}_optimisation_set.star
touch ${{o}}_half1_class001_unfil.mrc
"""  # noqa: E501
_RECONSTRUCT = "for m in half1 half2 merged; do cp Reference/reference.mrc $o/$m.mrc; done\n"
_PROGRAMS = {
    "relion_tomo_subtomo": "cp Extract/job001/optimisation_set.star $o\n",
    "relion_tomo_reconstruct_particle": _RECONSTRUCT,
    "relion_refine": _REFINE,
    "relion_postprocess": "touch $o.mrc\n",
}


def with_relion(bench: Bench) -> None:
    """Put the scripts where the daemon finds them at its next start."""
    folder = bench.root / "relion"
    folder.mkdir(exist_ok=True)
    for name, work in _PROGRAMS.items():
        text = (_START + work + _END).format(ledger=bench.ledger, broken=broken(bench, name), root=bench.root)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    bench.environ["PATH"] = f"{folder}:{bench.environ['PATH']}"


def broken(bench: Bench, program: str) -> Path:
    """While this file is there, the program fails."""
    return bench.root / f"{program}.broken"


def begin(bench: Bench, text: str = TEXT) -> LadderDetail:
    """Hand the ladder to the daemon."""
    draft = LadderDraft(project=str(bench.project), name=NAME, text=text)
    return bench.ask(lambda client: client.begin_ladder(draft, "begin"))


def which(bench: Bench) -> LadderName:
    """Name the ladder."""
    return LadderName(project=str(bench.project), name=NAME)


def climbed(bench: Bench, state: LadderState = "finished", seconds: float = 30) -> LadderDetail:
    """Wait until the ladder has come to a rest."""
    until = time.monotonic() + seconds
    while (detail := bench.ask(lambda client: client.ladder(which(bench)))).row.state != state:
        assert time.monotonic() < until, f"{detail.row}\n{bench.log()}"
        time.sleep(0.1)
    return detail
