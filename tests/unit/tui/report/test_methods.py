from typing import Any

from halfmap.daemon.client import JobDetail, JobFiles, JobRow, JobState
from halfmap.tui.job.course import Course, Iteration
from halfmap.tui.report.matter import Matter, Told
from halfmap.tui.report.methods import methods
from halfmap.tui.report.run_record import RunRecord

FIRST = Iteration(
    1,
    resolution_angstrom=29.16,
    angular_step_deg=7.5,
    offset_step_angstrom=8.1,
    offset_range_angstrom=12.15,
    local_searches=False,
)
LAST = Iteration(
    9,
    resolution_angstrom=17.15,
    resolution_fsc_143_angstrom=16.2,
    angular_step_deg=0.469,
    offset_step_angstrom=0.863,
    local_searches=True,
    converged=True,
)
FILES = JobFiles(box_px=36, pixel_size_angstrom=8.1, particles=200, symmetry="C6", particle_diameter_angstrom=230.0)
RECORD = RunRecord(
    program="halfmap 0.1.0",
    arguments=("--ini_high", "30", "--firstiter_cc", "--particle_diameter", "230"),
    particles_per_half=(94, 106),
)


def matter(state: JobState = JobState.FINISHED, **fields: Any) -> Matter:
    row = JobRow(job=1, project="/p", name="Refine3D/job001/", state=state)
    given = {"iterations": (FIRST, LAST), "files": FILES, "record": RECORD, "options": {}} | fields
    course = Course("", given["iterations"], given["files"].box_px, given["files"].pixel_size_angstrom)
    told = Told(JobDetail(row=row, options=given["options"]), course, given["files"])
    return Matter(told, given["record"])


def test_a_converged_run_is_told_with_all_that_was_recorded() -> None:
    assert methods(matter()) == (
        "200 particles (94 and 106 in the two half sets) in boxes of 36 px with pixels of 8.1 Å were refined by "
        "halfmap 0.1.0 in RELION's gold-standard auto-refinement, with C6 symmetry. "
        "The start reference was low-pass filtered to 30 Å, and the first iteration compared particles with it by "
        "cross-correlation. "
        "Particles were masked with a sphere of 230 Å in diameter. "
        "The search began with an angular step of 7.5° and an offset step of 8.1 Å within 12.2 Å and ended with 0.469° "
        "and 0.863 Å; orientations were searched locally from iteration 9 on. "
        "It converged after 9 iterations, in the last of which the half sets were joined. "
        "The FSC between the half maps, without correction for a mask, stays above 0.143 up to 16.20 Å (the finest "
        "that the pixels allow); RELION's estimate, from which iterations are planned, is 17.15 Å."
    )


def test_what_is_not_recorded_is_not_claimed() -> None:
    assert methods(matter(files=JobFiles(), record=RunRecord(), iterations=())) == (
        "Particles were refined in RELION's gold-standard auto-refinement. No finished iteration is recorded."
    )
    assert methods(matter(files=JobFiles(), record=RunRecord(), iterations=(Iteration(1),))) == (
        "Particles were refined in RELION's gold-standard auto-refinement. "
        "It ended after 1 iteration without convergence. The resolution is not recorded."
    )


def test_a_run_that_did_not_end_well_is_not_called_converged() -> None:
    failed = methods(matter(JobState.FAILED, iterations=(FIRST,)))
    assert "It did not converge; the job is failed, after 1 iteration." in failed
    running = methods(matter(JobState.RUNNING, iterations=(FIRST,)))
    assert "It has not ended yet, after 1 iteration so far." in running
    assert running.endswith("RELION's estimate of the resolution is 29.16 Å.")


def test_the_forms_options_tell_what_the_command_does_not() -> None:
    told = methods(matter(record=RunRecord(), options={"ini_high": "45"}))
    assert "The start reference was low-pass filtered to 45 Å." in told
    assert "cross-correlation" not in told


def test_a_continued_run_says_so_and_claims_no_start_reference() -> None:
    told = methods(matter(record=RunRecord(arguments=("--ini_high", "30"), continued_from=4)))
    assert "The run went on from its iteration 4." in told
    assert "low-pass" not in told


def test_masks_are_named_and_the_fsc_says_whether_it_was_corrected_for_one() -> None:
    told = methods(
        matter(
            files=FILES.model_copy(update={"mask": "/p/mask.mrc"}),
            record=RunRecord(arguments=("--solvent_correct_fsc",)),
        )
    )
    assert "Particles were masked with a sphere of 230 Å in diameter, the reference with a mask." in told
    assert "inside the mask and corrected for it" in told
