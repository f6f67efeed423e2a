"""How an average is made from tilt series."""

from dataclasses import dataclass, field

from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.fourier.backprojector import AccumulatorGeometry
from halfmap.engine.sampling.symmetry import PointGroup


@dataclass(frozen=True)
class AverageSettings:
    """Options of an average.

    Parameters
    ----------
    box_px
        Box in which everything is computed, in binned pixels (`--b`).
    crop_px
        Box of the final maps, the middle of the other (`--crop`).
    binning
        Tilt-series pixels per voxel (`--bin`).
    group
        Point group (`--sym`).
    snr
        Signal-to-noise ratio of the Wiener filter, constant over all frequencies (`--SNR`); None divides by the weight
        instead, raised to a thousandth of its shell's mean.
    multiply_ctf
        Multiply by CTF and dose filter (otherwise `--no_ctf`).
    circle_crop
        Fade what is cut out to 0 outside of a circle (otherwise `--no_circle_crop`).
    whiten
        Divide images by the power of each tilt image at each frequency (`--whiten`).
    taper_px
        Width of the edge by which maps fade to 0 (`--taper`).
    dose_cutoff
        Frequencies of which the exposure has left less are not used (`--cutoff_fract`).
    """

    box_px: int
    crop_px: int
    binning: float = 1.0
    group: PointGroup = field(default_factory=lambda: PointGroup("C1"))
    snr: float | None = None
    multiply_ctf: bool = True
    circle_crop: bool = True
    whiten: bool = False
    taper_px: float = 10.0
    dose_cutoff: float = 0.01

    @property
    def cutting(self) -> ExtractionSettings:
        """How particles are cut out."""
        return ExtractionSettings(self.box_px, self.box_px, self.binning, circle_crop=self.circle_crop)

    @property
    def visibility(self) -> ExtractionSettings:
        """By what a tilt image is judged to show a particle.

        The margin is half a box of pixels of the tilt series, whatever the binning (RELION: determineVisiblity is
        called with s/2).
        """
        return ExtractionSettings(self.box_px, self.box_px)

    @property
    def geometry(self) -> AccumulatorGeometry:
        """Of the sums: no padding; one shell more than the box has, so that symmetry mates find neighbours there."""
        return AccumulatorGeometry(self.box_px, 1, self.box_px // 2 + 1)
