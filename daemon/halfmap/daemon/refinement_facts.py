"""What a refinement works on: its box, its particles, its mask … as its files tell, its start, or its options."""

from dataclasses import dataclass, fields
from pathlib import Path

from halfmap.contract import job_directory
from halfmap.contract.progress_events import RunStarted
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.star_head import number_from, read_whole_tables

_MODEL_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known; None where it is not.

    Attributes
    ----------
    mask
        As it is named, relative to the project; empty if none is used.
    """

    box_px: int | None = None
    pixel_size_angstrom: float | None = None
    particles: int | None = None
    symmetry: str | None = None
    particle_diameter_angstrom: float | None = None
    mask: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether all is known."""
        return all(getattr(self, one.name) is not None for one in fields(self))

    def or_else(self, other: "Facts") -> "Facts":
        """Take what is not known from another source."""
        return Facts(
            **{one.name: getattr(other if getattr(self, one.name) is None else self, one.name) for one in fields(Facts)}
        )


def facts_of_options(job: Refine3D) -> Facts:
    """Tell what a form says."""
    return Facts(symmetry=job.sym_name, particle_diameter_angstrom=job.particle_diameter, mask=_name(job.fn_mask))


def facts_of_start(run: RunStarted) -> Facts:
    """Tell what halfmap's engine said at its start."""
    return Facts(
        box_px=run.box_size_px,
        pixel_size_angstrom=run.pixel_size_angstrom,
        particles=sum(run.particles_per_half) if run.particles_per_half else None,
        symmetry=run.symmetry or None,
    )


def facts_of_files(root: Path, iteration: int | None) -> Facts:
    """Read the heads of an iteration's files, or of the final ones; what is missing or cut off is not known."""
    optimiser = _head(job_directory.optimiser_file(root, iteration), "optimiser_general")
    sampling = _head(job_directory.sampling_file(root, iteration), "sampling_general")
    if iteration is None:
        models = [job_directory.final_model_file(root)]
    else:
        models = [job_directory.half_model_file(root, iteration, half) for half in job_directory.HALVES]
    model = _head(models[0], "model_general")
    box = number_from(model.get("rlnOriginalImageSize"))
    return Facts(
        box_px=None if box is None else round(box),
        pixel_size_angstrom=number_from(model.get("rlnPixelSize")),
        # the final file has the groups of half 1
        particles=None if iteration is None else _particles(models),
        symmetry=sampling.get("rlnSymmetryGroup"),
        particle_diameter_angstrom=number_from(optimiser.get("rlnParticleDiameter")),
        mask=_name(optimiser["rlnSolventMaskName"]) if "rlnSolventMaskName" in optimiser else None,
    )


def _head(path: Path, table: str) -> dict[str, str]:
    tables = read_whole_tables(path, (table,), _HEAD_BYTES)
    return tables[table].values() if tables else {}


def _particles(models: list[Path]) -> int | None:
    found = [read_whole_tables(model, ("model_groups",), _MODEL_BYTES) for model in models]
    if None in found:
        return None
    counts = [
        number_from(text) for tables in found if tables for text in tables["model_groups"].column("rlnGroupNrParticles")
    ]
    return round(sum(count or 0 for count in counts)) or None


def _name(text: str) -> str:
    return "" if text == "None" else text
