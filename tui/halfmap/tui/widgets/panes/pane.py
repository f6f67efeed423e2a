"""What the panes of a job have in common."""

from textual.containers import Vertical

from halfmap.tui.job.picture import JobPicture
from halfmap.tui.terminal.look import Look


class Pane(Vertical):
    """A part of the job's screen; it draws what it is shown, and nothing by itself.

    Attributes
    ----------
    TITLE
        In its border.
    KEY
        The digit that toggles it.
    """

    TITLE = ""
    KEY = ""

    def on_mount(self) -> None:
        """Say what this is."""
        self.border_title = f"{self.KEY} {self.TITLE}".strip()

    @property
    def look(self) -> Look:
        """How things are drawn here; a screen of a test may have none."""
        found = getattr(self.app, "look", None)
        return found if isinstance(found, Look) else Look()

    def show(self, picture: JobPicture) -> None:
        """Draw a picture; called in the order they were made, also while the pane is hidden."""
        raise NotImplementedError
