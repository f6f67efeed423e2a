"""Files of an average."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.averaging.maps import AverageMaps
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput, RunExists
from halfmap.engine.formats.mrc import write_map
from halfmap.engine.postprocessing.files import result_files

_NAMES = ("half1", "half2", "merged")


@dataclass(frozen=True)
class AverageFolder:
    """The folder of an average and what is in it.

    Parameters
    ----------
    folder
        Where to.
    """

    folder: Path

    @property
    def optimisation_set(self) -> Path:
        """The input with the half maps; written last."""
        return self.folder / "optimisation_set.star"

    @property
    def partial_sums(self) -> Path:
        """Sums of the tomograms that are done."""
        return self.folder / "temp" / "sums.npz"

    @property
    def postprocess_root(self) -> Path:
        """Beginning of the names of what tells the resolution."""
        return self.folder / "PostProcess" / "postprocess"

    def map_file(self, name: str) -> Path:
        """Final map of a half set or of all particles."""
        return self.folder / f"{name}.mrc"

    def _results(self) -> list[Path]:
        kinds = ("{}.mrc", "{}_full.mrc", "data_{}.mrc", "weight_{}.mrc")
        return [self.optimisation_set, *(self.folder / kind.format(name) for kind in kinds for name in _NAMES)]

    def _all_results(self) -> list[Path]:
        return [*self._results(), *result_files(self.postprocess_root)]

    def refuse_results(self) -> None:
        """Refuse a folder with an earlier average, whole or not (RunExists)."""
        found = [path for path in (self.partial_sums, *self._results()) if path.exists()]
        if found:
            raise RunExists(
                f"{found[0]}: an average is there already; choose another --o, go on with --only_do_unfinished, or "
                f"replace it with --overwrite."
            )

    def refuse_inputs(self, inputs: Iterable[Path]) -> None:
        """Refuse to write results under the names of files that are read."""
        results = {path.resolve() for path in self._all_results()}
        for path in inputs:
            if path.resolve() in results:
                raise BadInput(f"{path}: is read, and a result would take its name; choose another --o.")

    def remove_results(self) -> None:
        """Remove an earlier average, so that no file of it is taken for one of the new; other files are left alone."""
        for path in (self.partial_sums, *self._all_results()):
            path.unlink(missing_ok=True)
        for folder in (self.partial_sums.parent, self.postprocess_root.parent):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def make(self) -> None:
        """Make the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(f"{self.folder}: cannot be made ({error.strerror}); choose another --o.") from error

    def write(self, name: str, maps: AverageMaps, settings: AverageSettings, pixel_size_angstrom: float) -> Path:
        """Write the maps of a half set or of all particles, the final one last, and return its path."""
        write_map(self.folder / f"data_{name}.mrc", maps.data, pixel_size_angstrom)
        write_map(self.folder / f"weight_{name}.mrc", maps.weight, pixel_size_angstrom)
        if settings.crop_px < settings.box_px:
            write_map(self.folder / f"{name}_full.mrc", maps.full, pixel_size_angstrom)
        write_map(self.map_file(name), maps.cropped, pixel_size_angstrom)
        return self.map_file(name)
