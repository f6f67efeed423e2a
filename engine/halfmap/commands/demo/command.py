"""What the demonstration does, from its options to its summary."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from halfmap.commands.demo.running import last_words, own_daemon, run
from halfmap.commands.demo.view import view_on
from halfmap.commands.refine import ranks_of
from halfmap.commands.simulate import PatientBar, to_argv
from halfmap.contract import job_directory
from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.progress import IterationFinished, read_progress
from halfmap.daemon.client import JobState, Launch, Refused, Submission
from halfmap.daemon.process import CannotStart
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.scoring import score_maps, score_poses
from halfmap.engine.simulation import Project, SimulationSettings, simulate
from halfmap.engine.simulation.settings import given

SETTINGS = SimulationSettings(particles=120, tomograms=3, tilt_step_deg=9.0, snr=0.03)
COMMANDS_FILE = "commands.sh"
CARDS = 2
_INITIAL_LOWPASS_ANGSTROM = 50


def main(argv: Sequence[str]) -> int:
    """Run the demonstration and return its exit code."""
    options = parser().parse_args(argv)
    console = Console(highlight=False)
    try:
        ranks_of(["--nr_mpi", f"{options.ranks}"])
        project = _project(options)
        return _demonstrate(project, options.ranks, console)
    except (BadInput, Refused) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    except CannotStart as error:
        print(f"ERROR: the daemon cannot be started: {error}", file=sys.stderr)
        return ExitCode.FAILURE
    except KeyboardInterrupt:
        print("stopped.", file=sys.stderr)
        return ExitCode.ABORTED


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap demo",
        description="Simulate a small project, have a daemon refine it under MPI, and show the result.",
    )
    made.add_argument("dir", nargs="?", type=Path, default=Path("halfmap-demo"), help="project directory to make")
    made.add_argument("--ranks", type=int, default=3, metavar="N", help="MPI processes, 1, 2 or an odd number [3]")
    existing = made.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="simulate anew in a directory that exists")
    existing.add_argument(
        "--keep", action="store_true", help="keep the simulation in the directory and refine it again"
    )
    return made


def _project(options: argparse.Namespace) -> Project:
    if options.keep:
        return Project(options.dir)
    with PatientBar("simulating") as bar:
        return simulate(SETTINGS, options.dir, options.overwrite, bar.show)


def _demonstrate(project: Project, ranks: int, console: Console) -> int:
    settings = project.settings()
    options = refine_options(project, settings, ranks)
    console.print(f"{project.root}: {settings.particles} particles, {settings.symmetry}")
    submission = Submission(project=str(project.root.resolve()), options=options, launch=Launch(cards=CARDS))
    with own_daemon(os.environ, CARDS) as environ, view_on(console) as view:
        ended = run(environ, submission, view)
    job = Path(ended.row.name)
    write_commands(project, settings, job, options)
    final_map = project.root / job_directory.final_map_file(job / "run")
    if ended.row.state == JobState.FINISHED and final_map.exists():
        print(f"{job}: run by the daemon with {ranks} MPI ranks on the pretended cards {', '.join(ended.cards)}")
        console.print(_summary(project, settings, job))
        print(_where(project, job))
        print(f"commands:  {project.root / COMMANDS_FILE}")
        return ExitCode.SUCCESS
    words = last_words(project.root / job) or "the refinement ended before it converged."
    print(f"{words}\n{job}: {ended.row.state}; {ended.row.reason}", file=sys.stderr)
    return ExitCode.BAD_INPUT if ended.row.state == JobState.HELD else ExitCode.FAILURE


def refine_options(project: Project, settings: SimulationSettings, ranks: int) -> dict[str, str]:
    """Spell the refinement as options of the job form."""
    return {
        "in_optimisation": project.relative(project.optimisation_set_file),
        "fn_ref": project.relative(project.reference_file),
        "trust_ref_size": "No",
        "ref_correct_greyscale": "Yes",
        "ini_high": f"{_INITIAL_LOWPASS_ANGSTROM}",
        "sym_name": settings.symmetry,
        "particle_diameter": f"{settings.diameter_angstrom:g}",
        "sampling": "7.5 degrees",
        "auto_local_sampling": "3.7 degrees",
        "offset_range": "2",
        "offset_step": "1",
        "auto_faster": "Yes",
        "do_pad1": "Yes",
        "nr_mpi": f"{ranks}",
        "other_args": "--random_seed 1",
    }


def write_commands(project: Project, settings: SimulationSettings, job: Path, options: Mapping[str, str]) -> None:
    """Write down the commands that do the same with your own daemon, for a person to repeat them."""
    sets = [word for key, value in options.items() for word in ("--set", f"{key}={value}")]
    lines = [
        "# what `halfmap demo` does, with your own daemon and on cores; to repeat it, begin with another directory",
        shlex.join(["halfmap", "simulate", str(project.root), *to_argv(given(settings))]),
        "halfmap daemon start",
        shlex.join(["cd", str(project.root)]),
        "halfmap watch .",
        shlex.join(["halfmap", "submit", *sets, "--wait"]),
        f"halfmap score poses truth.star {job}/run_data.star --symmetry {settings.symmetry}",
        f"halfmap score maps {job}/run_class001.mrc Reference/phantom.mrc --mask Mask/mask.mrc",
    ]
    with written_whole(project.root / COMMANDS_FILE) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def _summary(project: Project, settings: SimulationSettings, job: Path) -> Table:
    """Set the result against what is known of the simulation."""
    root = project.root / job / "run"
    last = [event for event in read_progress(job_directory.progress_file(root)) if isinstance(event, IterationFinished)]
    truth, final_map = project.truth_file, job_directory.final_map_file(root)
    before = score_poses(truth, project.picks_file, settings.group)
    after = score_poses(truth, job_directory.data_file(root), settings.group)
    maps = score_maps(final_map, project.phantom_file, project.mask_file)
    table = Table(show_header=False, title="result")
    for name, text in (
        ("resolution, FSC 0.143", _number(last[-1].resolution_angstrom, " Å")),
        ("estimated accuracy of angles", _number(last[-1].accuracy_rotation_deg, "°")),
        ("estimated accuracy of offsets", _number(last[-1].accuracy_translation_angstrom, " Å")),
        ("true error of angles, median", f"{after.angle_median_deg:.2f}° ({before.angle_median_deg:.2f}° as picked)"),
        (
            "true error of positions, median",
            f"{after.position_median_angstrom:.2f} Å ({before.position_median_angstrom:.2f} Å as picked)",
        ),
        ("map against the true one, FSC 0.5", _number(maps.resolution_50_angstrom, " Å")),
        ("correlation with the true map", f"{maps.correlation:.3f}"),
    ):
        table.add_row(name, text)
    return table


def _where(project: Project, job: Path) -> str:
    """Tell where the maps are, and how to look at them."""
    root = project.root / job / "run"
    final_map = job_directory.final_map_file(root)
    halves = [str(job_directory.unfiltered_half_map_file(root, half)) for half in job_directory.HALVES]
    return "\n".join(
        [
            f"map:       {final_map}",
            f"half maps: {', '.join(halves)}",
            f"look at it and at the true one:  chimerax {final_map} {project.phantom_file}",
        ]
    )


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.2f}{unit}"
