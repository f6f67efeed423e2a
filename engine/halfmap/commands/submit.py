"""``halfmap submit``: a job for the queue."""

import argparse
import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from halfmap.commands.queue.printing import as_json
from halfmap.commands.queue.talking import Code, Unusable, make_parser, new_key, project_meant, project_path, talk
from halfmap.commands.queue.waiting import wait_for_jobs
from halfmap.commands.queue.words import sentence
from halfmap.contract.job_star import JobStarError, read_job_star
from halfmap.contract.option import value_text
from halfmap.contract.refine3d import OPTIONS
from halfmap.daemon.client import Client, JobRow, JobState, Launch, Submission

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def main(argv: Sequence[str]) -> int:
    """Queue a job, and wait for it if that is asked for."""
    options = parser().parse_args(argv)

    async def story(client: Client) -> int:
        project = await _project(client, options)
        if all(row.project != project for row in await client.projects()):
            await client.watch(project, new_key())
        row = await client.submit(_submission(options, project), options.key or new_key())
        if options.wait:
            row = (await wait_for_jobs(client, [row.job], None, lambda _row: None))[row.job]
        print(as_json(row) if options.json else sentence(row))
        return _code(row) if options.wait else Code.DONE

    return talk(story)


def _code(row: JobRow) -> int:
    return Code.DONE if row.state is JobState.FINISHED else Code.REFUSED


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = make_parser("submit", "Queue a refinement. Options come from a job.star or a job folder, and from --set.")
    made.add_argument(
        "job",
        nargs="?",
        type=Path,
        metavar="JOB_FOLDER|JOB_STAR",
        help="a scheduled job's folder, as Refine3D/job012, or a job.star; nothing: all defaults but for --set",
    )
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option as in job.star")
    made.add_argument("--project", type=Path, metavar="DIR", help="RELION project [that of the current directory]")
    made.add_argument("--engine", choices=("halfmap", "relion"), default="halfmap", help="program [halfmap]")
    made.add_argument("--cards", type=int, metavar="N", help="cards to lease [as the options say]")
    made.add_argument("--memory-mb", type=int, metavar="N", help="memory of all ranks together [predicted]")
    made.add_argument("--priority", type=int, default=0, metavar="N", help="higher starts first [0]")
    made.add_argument("--hold", action="store_true", help="wait until released")
    made.add_argument("--begin", metavar="TIME", help="not before: 2026-12-24T18:00, 18:00, or +2h")
    made.add_argument("--after", action="append", default=[], metavar="JOB", help="wait until that one has finished")
    made.add_argument("--on", default="here", metavar="PLACE", help="here, slurm or slurm:PARTITION [here]")
    made.add_argument("--alias", metavar="NAME", help="what to call it besides")
    made.add_argument("--notify-at", type=float, metavar="ANGSTROM", help="notify when this resolution is reached")
    made.add_argument("--wait", action="store_true", help="until it has ended; exit code 0 if it finished")
    made.add_argument("--key", help="the same key submits the same job once, however often it is tried")
    return made


async def _project(client: Client, options: argparse.Namespace) -> str:
    found = await project_meant(client, options.project)
    return project_path(Path.cwd()) if found is None else found


def _submission(options: argparse.Namespace, project: str) -> Submission:
    given = dict(_pair(word) for word in options.set)
    launch = _launch(options)
    folder = _job_folder(options.job, Path(project))
    if folder and given:
        raise Unusable(f"--set does not change a job that is there already; edit {folder}job.star, or give that file.")
    texts = None if folder else {**_texts(options.job), **given}
    return Submission(project=project, options=texts, job_folder=folder or None, alias=options.alias, launch=launch)


def _launch(options: argparse.Namespace) -> Launch:
    wanted = {
        "engine": options.engine,
        "cards": options.cards,
        "memory_mb": options.memory_mb,
        "priority": options.priority,
        "hold": options.hold,
        "begin": None if options.begin is None else begin_time(options.begin, time.time()),
        "after": tuple(_job_name(word) for word in options.after),
        "place": options.on,
        "notify_at_angstrom": options.notify_at,
    }
    try:
        return Launch.model_validate(wanted)
    except ValidationError as error:
        first = error.errors()[0]
        raise Unusable(f"{first['loc'][0]}: {first['msg']}.") from None


def _pair(word: str) -> tuple[str, str]:
    key, mark, value = word.partition("=")
    if not mark or key not in OPTIONS:
        raise Unusable(f"--set {word}: write KEY=VALUE, with a key of job.star such as sym_name=C6.")
    return key, value


def _job_name(word: str) -> str:
    plain = word.strip("/")
    return f"{plain}/" if "/" in plain else f"Refine3D/{plain}/"


def _job_folder(job: Path | None, project: Path) -> str:
    """Name a job's folder in its project; "" for a file of options, or nothing."""
    if job is None or not job.is_dir():
        return ""
    try:
        return f"{job.resolve().relative_to(project)}/"
    except ValueError:
        raise Unusable(f"{job} is not in the project {project}.") from None


def _texts(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        star = read_job_star(path)
    except (JobStarError, OSError) as error:
        raise Unusable(f"{error}") from None
    if star.unreadable:
        raise Unusable("\n".join(problem.message for problem in star.unreadable))
    values = {key: getattr(star.job, key) for key in OPTIONS}
    return {key: value_text(value) for key, value in values.items() if value != OPTIONS[key].default}


def begin_time(text: str, now: float) -> float:
    """Read when a job may begin, as seconds since the epoch: a date and time, a time of today or tomorrow, or ``+2h``.

    Raises
    ------
    Unusable
        If it is none of these.
    """
    if found := re.fullmatch(r"\+(\d+(?:\.\d+)?)([smhd])", text):
        return now + float(found[1]) * _SECONDS[found[2]]
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            hour, minute = text.split(":")
            at = datetime.fromtimestamp(now).replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
            return at.timestamp() if at.timestamp() > now else at.timestamp() + _SECONDS["d"]
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Unusable(f"--begin {text}: write a time such as 2026-12-24T18:00, 18:00, or +2h.") from None
