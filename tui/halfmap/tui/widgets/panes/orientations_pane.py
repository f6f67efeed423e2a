"""Where the particles point at an iteration: rot and tilt."""

from halfmap.tui.charts.heat import draw_heat
from halfmap.tui.charts.pixels import HEAT, Paint
from halfmap.tui.files.catalogue import Catalogue, Found, ParticleChoice, choose_particles
from halfmap.tui.files.patient import Beat
from halfmap.tui.text.direction_words import spread, whose
from halfmap.tui.widgets.panes.reading_pane import ReadingPane


class OrientationsPane(ReadingPane[ParticleChoice, Found]):
    """Shows a heat map of rot and tilt of all particles; reads only while it is seen."""

    TITLE = "Orientations"
    KEY = "6"

    def __init__(self) -> None:
        super().__init__()
        self._catalogue = Catalogue()

    def choose(self) -> ParticleChoice:
        """Choose the particles of the iteration that is looked at."""
        return choose_particles(self.picture.files, self.picture.cursor)

    def read(self, choice: ParticleChoice, beat: Beat) -> Found:
        """Count directions."""
        return self._catalogue.look(choice.path, beat) if choice.path else Found(trouble=choice.trouble)

    def unread(self, trouble: str) -> Found:
        """Keep the reason."""
        return Found(trouble=trouble)

    def draw(self, _: ParticleChoice, found: Found) -> None:
        """Draw the heat map, or say why there is none."""
        directions = found.directions
        if directions is None:
            self.tell(found.trouble)
            return
        has_colours = self.look.colours in ("full", "256") and not self.look.ascii
        paint = Paint(HEAT if has_colours else ())
        self.view.show((directions, paint), lambda width, height: draw_heat(directions, width, height, paint))

    def names(self, choice: ParticleChoice, found: Found) -> tuple[str, ...]:
        """Name the iteration and the number of particles."""
        return whose(choice.iteration, found.directions)

    def remarks(self, found: Found) -> tuple[str, ...]:
        """Tell how evenly directions are spread."""
        return spread(found.directions)
