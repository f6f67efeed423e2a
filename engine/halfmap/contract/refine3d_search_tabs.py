"""The tabs Optimisation and Auto-sampling of the Refine3D form.

Labels, defaults and conditions are those of RELION 5.0.1 (RELION: ``RelionJob::initialiseAutorefineJob``).
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Option, Slider

ANGULAR_SAMPLINGS = tuple(f"{step} degrees" for step in ("30", "15", "7.5", "3.7", "1.8", "0.9", "0.5", "0.2", "0.1"))
"""RELION's choices of an angular step, named by the step after one oversampling; the place counts HEALPix orders."""


class SearchTabs(Declarations):
    """How particles are compared with the reference, and how finely poses are searched."""

    particle_diameter: Annotated[
        float,
        Option(
            "Optimisation",
            "Mask diameter (A):",
            "Diameter of the soft sphere around each particle; also around the reference when there is no mask.",
            unit="Å",
            flags=("--particle_diameter",),
            slider=Slider(0, 1000, 10),
            bounds=Bounds(above=0),
            continues=True,
        ),
    ] = 200.0
    do_zero_mask: Annotated[
        bool,
        Option(
            "Optimisation",
            "Mask individual particles with zeros?",
            "Fill the surroundings of each particle with their own mean, about zero; with No, with noise.",
            flags=("--zero_mask",),
        ),
    ] = True
    do_solvent_fsc: Annotated[
        bool,
        Option(
            "Optimisation",
            "Use solvent-flattened FSCs?",
            "Measure the resolution inside the reference mask in every iteration, corrected for the mask's own "
            "correlation. Needs a mask.",
            flags=("--solvent_correct_fsc",),
            continues=True,
        ),
    ] = False
    do_blush: Annotated[
        bool,
        Option(
            "Optimisation",
            "Use Blush regularisation?",
            "RELION 5's trained denoiser in place of the plain prior. Not offered by this version.",
            flags=("--blush",),
            since="5.0",
        ),
    ] = False

    sampling: Annotated[
        str,
        Option(
            "Auto-sampling",
            "Initial angular sampling:",
            "Angular step of the first iterations, after oversampling; it becomes finer by itself.",
            flags=("--healpix_order",),
            choices=ANGULAR_SAMPLINGS,
        ),
    ] = "7.5 degrees"
    offset_range: Annotated[
        float,
        Option(
            "Auto-sampling",
            "Initial offset range (pix):",
            "Radius of the sphere of offsets searched around each particle's present position.",
            unit="px",
            flags=("--offset_range",),
            slider=Slider(0, 30, 1),
            bounds=Bounds(at_least=0),
        ),
    ] = 5.0
    offset_step: Annotated[
        float,
        Option(
            "Auto-sampling",
            "Initial offset step (pix):",
            "Distance between neighbouring offsets, after oversampling; it becomes finer by itself.",
            unit="px",
            flags=("--offset_step",),
            slider=Slider(0.1, 5, 0.1),
            bounds=Bounds(above=0),
        ),
    ] = 1.0
    auto_local_sampling: Annotated[
        str,
        Option(
            "Auto-sampling",
            "Local searches from auto-sampling:",
            "From this angular step on, only orientations near each particle's present one are searched.",
            flags=("--auto_local_healpix_order",),
            choices=ANGULAR_SAMPLINGS,
        ),
    ] = "1.8 degrees"
    relax_sym: Annotated[
        str,
        Option(
            "Auto-sampling",
            "Relax symmetry:",
            "Point group whose mates are searched around each orientation. Not offered by this version.",
            flags=("--relax_sym",),
            continues=True,
        ),
    ] = ""
    auto_faster: Annotated[
        bool,
        Option(
            "Auto-sampling",
            "Use finer angular sampling faster?",
            "Halve the angular step as soon as the resolution asks for it, without waiting for orientations to settle.",
            flags=("--auto_ignore_angles", "--auto_resol_angles"),
            continues=True,
        ),
    ] = False
    sigma_tilt: Annotated[
        float,
        Option(
            "Auto-sampling",
            "Prior width on tilt angle (deg):",
            "Standard deviation of the tilt angle around its prior, for particles on membranes or filaments. "
            "Zero or less: no prior.",
            unit="deg",
            flags=("--sigma_tilt",),
            slider=Slider(-1, 30, 1),
            bounds=Bounds(at_least=-1),
            since="5.0",
        ),
    ] = -1.0
