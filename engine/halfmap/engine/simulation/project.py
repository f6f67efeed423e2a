"""The files of a simulated project."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.star import write_star
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.simulation.settings import SimulationSettings

EXTRACT_JOB = "Extract/job001"


@dataclass(frozen=True)
class Project:
    """A project directory and where things are in it.

    Parameters
    ----------
    root
        The directory, to which all paths in STAR files and options are relative.
    """

    root: Path

    @property
    def settings_file(self) -> Path:
        """What was simulated; a directory with this file may be overwritten."""
        return self.root / "simulation.json"

    @property
    def tomograms_file(self) -> Path:
        """Tomogram set; the tilt series are beside it in `tilt_series`."""
        return self.root / "tomograms.star"

    @property
    def picks_file(self) -> Path:
        """Particles as a picker gives them."""
        return self.root / "picks.star"

    @property
    def truth_file(self) -> Path:
        """The same particles with true positions and angles."""
        return self.root / "truth.star"

    @property
    def particles_file(self) -> Path:
        """Extracted particles."""
        return self.root / EXTRACT_JOB / "particles.star"

    @property
    def optimisation_set_file(self) -> Path:
        """Particles and tomograms, where a refinement starts."""
        return self.root / EXTRACT_JOB / "optimisation_set.star"

    @property
    def reference_file(self) -> Path:
        """Start reference."""
        return self.root / "Reference" / "reference.mrc"

    @property
    def phantom_file(self) -> Path:
        """Density of the particle, on the absolute grey scale of the extracted images."""
        return self.root / "Reference" / "phantom.mrc"

    @property
    def mask_file(self) -> Path:
        """Solvent mask."""
        return self.root / "Mask" / "mask.mrc"

    def stack_file(self, particle_name: str) -> Path:
        """Tilt images of an extracted particle."""
        return self.root / EXTRACT_JOB / "Subtomograms" / f"{particle_name}_stack2d.mrcs"

    def relative(self, path: Path) -> str:
        """Name a file as STAR files and options do."""
        return path.relative_to(self.root).as_posix()

    def prepare(self, settings: SimulationSettings, overwrite: bool) -> None:
        """Make the directory and write down what will be in it.

        Parameters
        ----------
        settings
            What is simulated.
        overwrite
            Remove an earlier simulation; nothing else that may be there is touched.

        Raises
        ------
        BadInput
            If it holds anything that must not be overwritten, or cannot be made.
        """
        try:
            if self.root.exists() and any(self.root.iterdir()):
                self._remove(overwrite)
            for folder in ("tilt_series", EXTRACT_JOB, "Reference", "Mask"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{self.root}: cannot be used as a directory ({error.strerror}).") from error
        with written_whole(self.settings_file) as temporary:
            temporary.write_text(json.dumps(asdict(settings), indent=1) + "\n")

    def _remove(self, overwrite: bool) -> None:
        if not overwrite:
            raise BadInput(f"{self.root}: is not empty; give --overwrite or another directory.")
        if not self.settings_file.exists():
            raise BadInput(f"{self.root}: is not empty, and holds no simulation; choose another directory.")
        for folder in ("tilt_series", f"{EXTRACT_JOB}/Subtomograms"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        for file in (
            self.tomograms_file,
            self.picks_file,
            self.truth_file,
            self.particles_file,
            self.optimisation_set_file,
            self.reference_file,
            self.phantom_file,
            self.mask_file,
        ):
            file.unlink(missing_ok=True)

    def settings(self) -> SimulationSettings:
        """Read what was simulated; a directory without a simulation is refused (BadInput)."""
        try:
            return SimulationSettings(**json.loads(self.settings_file.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise BadInput(f"{self.settings_file}: holds no settings of a simulation ({error}).") from None

    def write_extracted(self, optics: pd.DataFrame, particles: pd.DataFrame) -> None:
        """Write the particle file of the extraction (RELION 5) and its optimisation set."""
        general = {labels.ARE_2D_STACKS: 1}
        write_star(self.particles_file, {"general": general, "optics": optics, "particles": particles})
        entries = {
            labels.PARTICLES_FILE: self.relative(self.particles_file),
            labels.TOMOGRAMS_FILE: self.relative(self.tomograms_file),
        }
        write_star(self.optimisation_set_file, {"": entries})
