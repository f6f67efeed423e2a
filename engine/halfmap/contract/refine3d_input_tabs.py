"""The tabs I/O, Reference and CTF of the Refine3D form.

Labels, defaults and conditions are those of RELION 5.0.1 (RELION: ``RelionJob::initialiseAutorefineJob``).
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Option, Slider, When

_FROM_SET = (When("use_direct_entries", False),)
_DIRECT = (When("use_direct_entries", True),)
_MAP_FILES = "*.{spi,vol,mrc}"


class InputTabs(Declarations):
    """What is refined, against which reference, and with which model of the CTF."""

    in_optimisation: Annotated[
        str,
        Option(
            "I/O",
            "Input optimisation set:",
            "A STAR file that names the particles, the tomograms and, if there are any, the trajectories together.",
            flags=("--ios",),
            file_pattern="*optimisation_set.star",
            node_type="TomoOptimisationSet.star.relion",
            enabled_when=_FROM_SET,
            since="4.0",
        ),
    ] = ""
    use_direct_entries: Annotated[
        bool,
        Option(
            "I/O",
            "OR: use direct entries?",
            "Name particles, tomograms and trajectories one by one instead of through an optimisation set.",
            since="5.0",
        ),
    ] = False
    in_particles: Annotated[
        str,
        Option(
            "I/O",
            "Input particle set:",
            "STAR file of the pseudo-subtomograms to refine.",
            flags=("--i",),
            file_pattern="*.star",
            node_type="ParticleGroupMetadata.star.relion",
            enabled_when=_DIRECT,
            since="5.0",
        ),
    ] = ""
    in_tomograms: Annotated[
        str,
        Option(
            "I/O",
            "Input tomogram set:",
            "STAR file of the tomograms that the particles were taken from; it holds the tilt geometry.",
            flags=("--tomograms",),
            file_pattern="*.star",
            node_type="TomogramGroupMetadata.star.relion",
            enabled_when=_DIRECT,
            since="5.0",
        ),
    ] = ""
    in_trajectories: Annotated[
        str,
        Option(
            "I/O",
            "Input trajectory set:",
            "STAR file of the particles' motion through the tilt series, if it has been estimated.",
            flags=("--trajectories",),
            file_pattern="*.star",
            node_type="TomoTrajectoryData.star.relion",
            enabled_when=_DIRECT,
            since="5.0",
        ),
    ] = ""
    fn_img: Annotated[
        str,
        Option(
            "I/O",
            "Input images STAR file:",
            "RELION 4's entry for the particles; they take precedence over those of the optimisation set.",
            flags=("--i",),
            file_pattern="*.star",
            node_type="ParticlesData.star.relion",
            until="4.0",
        ),
    ] = ""
    fn_ref: Annotated[
        str,
        Option(
            "I/O",
            "Reference map:",
            "Map to start from. If its name contains half1 or half2, each half set starts from the map of that name.",
            flags=("--ref",),
            file_pattern=_MAP_FILES,
            node_type="DensityMap.mrc",
        ),
    ] = ""
    fn_mask: Annotated[
        str,
        Option(
            "I/O",
            "Reference mask (optional):",
            "Soft mask, 0 to 1, laid on the reference after every iteration; without one a soft sphere is used.",
            flags=("--solvent_mask",),
            file_pattern=_MAP_FILES,
            node_type="Mask3D.mrc",
            continues=True,
        ),
    ] = ""
    fn_cont: Annotated[
        str,
        Option(
            "I/O",
            "Continue from here:",
            "Optimiser file of the iteration after which the run goes on. If it is set, this is a continued run.",
            flags=("--continue",),
            file_pattern="*_it*_optimiser.star",
            continues=True,
        ),
    ] = ""

    ref_correct_greyscale: Annotated[
        bool,
        Option(
            "Reference",
            "Ref. map is on absolute greyscale?",
            "Yes only for maps reconstructed from these very particles. With No, the first iteration compares by "
            "cross-correlation, which does not depend on the grey scale.",
            flags=("--firstiter_cc",),
        ),
    ] = False
    trust_ref_size: Annotated[
        bool,
        Option(
            "Reference",
            "Resize reference if needed?",
            "Bring the reference to the particles' pixel size and box instead of stopping when it differs.",
            flags=("--trust_ref_size",),
            since="5.0",
        ),
    ] = True
    ini_high: Annotated[
        float,
        Option(
            "Reference",
            "Initial low-pass filter (A):",
            "Finest detail kept in the start reference. Choose it coarse, so that both halves find their details "
            "independently. Zero or less: no filter.",
            unit="Å",
            flags=("--ini_high",),
            slider=Slider(0, 200, 5),
            bounds=Bounds(at_least=-1),
        ),
    ] = 60.0
    sym_name: Annotated[
        str,
        Option(
            "Reference",
            "Symmetry:",
            "Point group of the particle: Cn, Dn, T, O, I or I1 to I4. The reference must lie on its axes.",
            flags=("--sym",),
        ),
    ] = "C1"

    do_ctf_correction: Annotated[
        bool,
        Option(
            "CTF",
            "Do CTF-correction?",
            "Model the contrast transfer function of every tilt image.",
            flags=("--ctf",),
        ),
    ] = True
    ctf_intact_first_peak: Annotated[
        bool,
        Option(
            "CTF",
            "Ignore CTFs until first peak?",
            "Take the CTF as one below its first peak. Useful only where low resolution misleads the alignment.",
            flags=("--ctf_intact_first_peak",),
            enabled_when=(When("do_ctf_correction", True),),
        ),
    ] = False
