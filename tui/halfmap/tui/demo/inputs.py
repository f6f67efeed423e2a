"""What the demonstration's forms find: the project's paths, and what an optimisation set holds."""

from pathlib import Path

from halfmap.daemon.client import FormCheck, PathRow
from halfmap.tui.demo.recording import RecordedJob


def looked_at(recorded: RecordedJob) -> FormCheck:
    """Tell what is found when a form's files are looked at."""
    started = recorded.started
    return FormCheck(
        set_names={
            "rlnTomoParticlesFile": "PseudoSubtomo/job001/particles.star",
            "rlnTomoTomogramsFile": "tomograms.star",
        },
        memory_mb=1100.0,
        disk_mb=31.0,
        seconds=640.0,
        seconds_are_from="jobs on this machine with a box like this one",
        box_px=started["box_size_px"],
        pixel_size_angstrom=started["pixel_size_angstrom"],
        particles=recorded.particles,
    )


def paths(project: Path) -> list[PathRow]:
    """What can be completed: the folders of a project as they usually are, and the files that are there."""
    usual = (
        "PseudoSubtomo/", "PseudoSubtomo/job001/", "PseudoSubtomo/job001/optimisation_set.star",
        "PseudoSubtomo/job001/particles.star", "Reconstruct/", "Reconstruct/job002/",
        "Reconstruct/job002/half1.mrc", "Reconstruct/job002/half2.mrc", "Reconstruct/job002/merged.mrc",
        "Refine3D/job011/run_optimisation_set.star", "tomograms.star",
    )  # fmt: skip
    there = [path for path in project.rglob("*") if not path.name.startswith(".")]
    found = {f"{path.relative_to(project)}{'/' if path.is_dir() else ''}" for path in there}
    rows = [PathRow(path=path, is_folder=path.endswith("/")) for path in sorted({*usual, *found})]
    return sorted(rows, key=lambda row: (not row.is_folder, row.path))
