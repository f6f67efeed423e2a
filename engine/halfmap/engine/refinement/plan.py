"""What an iteration is going to do, decided before it looks at any particle."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from halfmap.engine.fourier.backprojector import AccumulatorGeometry
from halfmap.engine.fourier.shells import round_scalar
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.pass_images import PassSettings
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement.image_sizes import coarse_size_px, current_size_px, image_size_px
from halfmap.engine.refinement.settings import Settings
from halfmap.engine.refinement.state import Control, Sampling
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import OrientationPrior
from halfmap.engine.sampling.symmetry import PointGroup


@dataclass(frozen=True)
class Windows:
    """Fourier windows of one optics group's images.

    Parameters
    ----------
    coarse, fine
        Of the two passes over the poses.
    stored
        Of what is back-projected and of the noise estimate.
    """

    coarse: PassSettings
    fine: PassSettings
    stored: PassSettings

    @property
    def compared(self) -> PassSettings:
        """Window of the fine pass for likelihoods, even where poses are compared by correlation."""
        return replace(self.fine, correlation=False)

    @property
    def correlated(self) -> PassSettings:
        """Window of the coarse pass for correlation, even where poses are compared by likelihood."""
        return replace(self.coarse, correlation=True)


@dataclass(frozen=True)
class WindowPlan:
    """Fourier windows of an iteration.

    Parameters
    ----------
    model_px
        Fourier window of the model, current_size.
    padding
        Padding of maps.
    box_px
        Box size of the model.
    by_group
        Windows of each optics group.
    dimensions
        2 for stacks, 3 for volumes.
    """

    model_px: int
    padding: int
    box_px: int
    by_group: tuple[Windows, ...]
    dimensions: int = 2

    @property
    def max_shell(self) -> int:
        """Largest shell of the model."""
        return self.model_px // 2

    @property
    def geometry(self) -> AccumulatorGeometry:
        """Geometry of the accumulators."""
        return AccumulatorGeometry(self.box_px, self.padding, self.max_shell, self.dimensions)


def plan_windows(
    control: Control, settings: Settings, optics_groups: tuple[OpticsGroup, ...], grid: ModelGrid
) -> WindowPlan:
    """Choose the Fourier windows of the next expectation.

    The coarse window follows the angular step before this iteration makes it finer, as with RELION.
    """
    model_px = current_size_px(control, grid, control.has_converged)
    by_group = tuple(_windows(model_px, control, settings, optics, grid) for optics in optics_groups)
    return WindowPlan(model_px, settings.padding, grid.box_px, by_group, optics_groups[0].dimensions)


def _windows(model_px: int, control: Control, settings: Settings, optics: OpticsGroup, grid: ModelGrid) -> Windows:
    search = settings.search
    stored_px = image_size_px(model_px, optics, grid)
    if search.finest_angstrom > 0:
        compared_px = min(2 * round_scalar(optics.extent_angstrom / search.finest_angstrom), stored_px)
        coarse_px = compared_px
    else:
        step = OrientationGrid(control.sampling.healpix_order, 0, PointGroup("C1")).step_deg
        diameter = settings.sampling.diameter_angstrom
        compared_px = stored_px
        coarse_px = stored_px
        if search.oversampling > 0:
            coarse_px = coarse_size_px(stored_px, optics, step, diameter, search.coarse_size_px, grid)
    first_shell = round_scalar(grid.extent_angstrom / search.coarsest_angstrom) if search.coarsest_angstrom > 0 else 0
    compared = PassSettings(
        compared_px,
        model_px // 2,
        settings.padding,
        settings.by_correlation(control.iteration),
        first_shell,
    )
    return Windows(
        replace(compared, image_size_px=coarse_px), compared, PassSettings(stored_px, model_px // 2, settings.padding)
    )


@dataclass(frozen=True)
class SearchPlan:
    """The grids of an iteration.

    Parameters
    ----------
    orientations, offsets
        The grids.
    prior
        Priors on the angles, if any.
    perturbation
        Random perturbation in coarse steps.
    """

    orientations: OrientationGrid
    offsets: OffsetGrid
    prior: OrientationPrior | None
    perturbation: float


def plan_search(sampling: Sampling, settings: Settings, group: PointGroup) -> SearchPlan:
    """Lay out the grids that a sampling asks for."""
    oversampling = settings.search.oversampling
    orientations = OrientationGrid(sampling.healpix_order, oversampling, group)
    prior = OrientationPrior(
        orientations,
        sampling.sigma_rot_deg,
        sampling.sigma_tilt_deg,
        sampling.sigma_psi_deg,
        settings.quirks.euler_psi_window,
    )
    return SearchPlan(
        orientations,
        OffsetGrid(sampling.offset_range_angstrom, sampling.offset_step_angstrom, oversampling),
        prior if sampling.has_priors else None,
        sampling.perturbation,
    )


@dataclass(frozen=True)
class IterationPlan:
    """Everything that is decided before an expectation.

    Parameters
    ----------
    control
        State after the last iteration, with the new number, accuracies and sampling.
    windows, search
        Fourier windows and grids.
    """

    control: Control
    windows: WindowPlan
    search: SearchPlan


def fitting_distribution(
    pdf_direction: Float64[np.ndarray, " old"], orientations: OrientationGrid
) -> Float64[np.ndarray, " directions"]:
    """Keep the distribution of directions while the grid stays the same; flat on a new grid."""
    count = len(orientations.pixels)
    return pdf_direction if len(pdf_direction) == count else np.full(count, 1 / count)
