"""Files of an average."""

from pathlib import Path

from halfmap.engine.averaging.maps import AverageMaps
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import write_map


def prepare_folder(folder: Path, overwrite: bool) -> None:
    """Make the folder of the results; one that holds an average already is refused, or its files are replaced."""
    if (folder / "merged.mrc").exists() and not overwrite:
        raise BadInput(f"{folder / 'merged.mrc'}: an average is there already; choose another --o, or --overwrite it.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made ({error.strerror}); choose another --o.") from error


def write_average(
    folder: Path, name: str, maps: AverageMaps, settings: AverageSettings, pixel_size_angstrom: float
) -> Path:
    """Write the maps of a half set or of all particles, the final one last, and return its path.

    Parameters
    ----------
    folder
        Where to.
    name
        `half1`, `half2` or `merged`.
    maps
        The maps.
    settings
        Tell whether the box was cropped.
    pixel_size_angstrom
        Edge of a voxel.
    """
    write_map(folder / f"data_{name}.mrc", maps.data, pixel_size_angstrom)
    write_map(folder / f"weight_{name}.mrc", maps.weight, pixel_size_angstrom)
    if settings.crop_px < settings.box_px:
        write_map(folder / f"{name}_full.mrc", maps.full, pixel_size_angstrom)
    path = folder / f"{name}.mrc"
    write_map(path, maps.cropped, pixel_size_angstrom)
    return path
