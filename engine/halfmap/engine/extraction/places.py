"""Names of the files of an extraction."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ExtractionFolder:
    """The folder of an extraction and what is in it.

    Parameters
    ----------
    folder
        Where to, as in options: relative to the project directory, from which programs are started.
    """

    folder: Path

    @property
    def particles(self) -> Path:
        """Extracted particles."""
        return self.folder / "particles.star"

    @property
    def optimisation_set(self) -> Path:
        """Particles and tomograms, where a refinement starts."""
        return self.folder / "optimisation_set.star"

    @property
    def images(self) -> Path:
        """Folder of all images."""
        return self.folder / "Subtomograms"

    @property
    def record(self) -> Path:
        """What the images were made from and how."""
        return self.folder / "extraction.json"

    def stack(self, tomogram: str, name: str) -> Path:
        """Tilt images of a particle."""
        return self._root(tomogram, name, "stack2d.mrcs")

    def data(self, tomogram: str, name: str) -> Path:
        """A particle as a volume."""
        return self._root(tomogram, name, "data.mrc")

    def weights(self, tomogram: str, name: str) -> Path:
        """CTF² and multiplicity of that volume."""
        return self._root(tomogram, name, "weights.mrc")

    def _root(self, tomogram: str, name: str, end: str) -> Path:
        """Names of particles usually begin with their tomogram; others are given a folder for it."""
        beneath = name if name.startswith(f"{tomogram}/") else f"{tomogram}/{name}"
        return self.images / f"{beneath}_{end}"
