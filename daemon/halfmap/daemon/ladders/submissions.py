"""The job of a ladder's step, as it is handed to the queue; pure."""

from halfmap.contract.ladder_file import JOB_TYPE, Ladder
from halfmap.contract.ladder_steps import Step
from halfmap.daemon.ladders.notes import Notes, values_of
from halfmap.daemon.records import Launch, Submission


def submission_of(project: str, ladder: Ladder, notes: Notes, step: Step) -> Submission:
    """Make the job of a step. Only refinements use cards, and RELION has no program that centres."""
    launch = Launch(
        engine="halfmap" if step.name == "center" else ladder.engine,
        cards=ladder.cards if step.name == "refine" else 0,
        priority=ladder.priority,
        place=ladder.place,
        after=tuple(notes.jobs[other] for other in step.after if other in notes.jobs),
    )
    return Submission(project=project, kind=JOB_TYPE[step.name].label, options=values_of(step), launch=launch)
