"""What a ladder would do, and has done, from files alone: no daemon is asked and nothing is started."""

from pathlib import Path

from halfmap.commands.ladder.telling import print_plan
from halfmap.commands.queue.printing import as_json, print_error, print_note
from halfmap.commands.queue.talking import Code
from halfmap.contract.ladder_file import BadLadder, read_ladder
from halfmap.daemon.ladders import folder
from halfmap.daemon.ladders.course import Rest, Standing
from halfmap.daemon.ladders.notes import Notes
from halfmap.daemon.ladders.view import detail


def plan(name: str, text: str | None, project: Path, in_json: bool) -> int:
    """Print the plan of a ladder.

    Parameters
    ----------
    name
        Its name; if it has begun, the jobs that it has and what they came to are told.
    text
        Of its file; None for the one in the project.
    project
        Where the files lie.
    in_json
        As JSON.
    """
    try:
        files = folder.read(project, name)
    except (folder.NoLadder, OSError) as error:
        if text is None:
            print_error(str(error))
            return Code.REFUSED
        files = folder.LadderFiles(text, Notes(uuid=""))
    try:
        ladder = read_ladder(text or files.text)
    except BadLadder as error:
        print_error("\n".join(("the ladder cannot be used:", *error.problems)))
        return Code.REFUSED
    known = folder.known_of(project, ladder, files.notes)
    standing = Standing(ladder, files.notes, known)
    shown = detail(str(project), name, standing, Rest("running", "planned"), text or files.text)
    for warning in shown.warnings:
        print_note(warning)
    if known.pixel_size_angstrom is None:
        print_note("the pixel size of the tilt series is not known: the tomograms' file does not tell it (pixel_size).")
    print(as_json(shown)) if in_json else print_plan(shown)
    return Code.DONE
