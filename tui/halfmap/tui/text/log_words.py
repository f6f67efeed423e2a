"""What is said about a job's output: which file it is, why there is none."""

from halfmap.tui.files.text_file import TextState
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.text.plain import plain


def title_of(title: str, shown: str, other: str, errors: int) -> str:
    """Title what is shown if it is not the usual, and tell of lines in the other: ``8 Output · run.err 3 lines``."""
    title = f"{title}: {plain(shown)}" if shown else title
    return f"{title} · {plain(other)} {errors:,} {'line' if errors == 1 else 'lines'} (t)" if errors else title


def missing_of(picture: JobPicture) -> str:
    """Tell why a job has printed nothing, if it has; an empty text if the file itself tells best."""
    if picture.detail is None:
        return plain(picture.trouble)
    row = picture.detail.row
    if row.state.is_waiting:
        return f"nothing was printed yet: the job is {row.state.value}{_because(row.reason)}."
    if row.state.is_trouble:
        return (
            f"nothing was printed: the job {'is lost' if row.state == 'lost' else 'has failed'}{_because(row.reason)}."
        )
    if not picture.files.output:
        trouble = picture.files.trouble or picture.trouble
        return plain(trouble) if trouble else "nothing was printed yet: the job has no folder."
    return ""


def notice_of(state: TextState, name: str) -> str:
    """Tell why there is nothing to be seen of a file; an empty text if there is, or if that is not known yet."""
    if state.lines:
        return ""
    if state.trouble or not state.generation:
        return plain(state.trouble)
    return "counting lines …" if state.to_count else f"{plain(name)} is empty: nothing was printed yet."


def _because(reason: str) -> str:
    return f": {plain(reason).strip().rstrip('.')}" if reason.strip() else ""
