"""The program's options for input, output, reference, masks and CTF.

Spellings and defaults are those of RELION 5.0.1 (RELION: ``MlOptimiser::parseInitial`` and ``parseContinue``).
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Flag


class DataFlags(Declarations):
    """What is refined and where the results go. A file name of "" (or ``None`` on the command line) means no file."""

    particles_file: Annotated[
        str, Flag("--i", "Input and output", "STAR file of the particles; takes precedence over the optimisation set.")
    ] = ""
    tomograms_file: Annotated[
        str,
        Flag("--tomograms", "Input and output", "STAR file of the tomograms; needed for particles that are 2D stacks."),
    ] = ""
    trajectories_file: Annotated[
        str, Flag("--trajectories", "Input and output", "STAR file of the particles' motion.")
    ] = ""
    optimisation_set_file: Annotated[
        str,
        Flag(
            "--ios",
            "Input and output",
            "STAR file naming particles, tomograms and trajectories; whatever else it names is passed on.",
            with_continue=True,
        ),
    ] = ""
    output_root: Annotated[
        str,
        Flag(
            "--o",
            "Input and output",
            "Start of all output names, such as Refine3D/job012/run; a missing folder is made.",
            with_continue=True,
        ),
    ] = ""
    continue_from: Annotated[
        str,
        Flag(
            "--continue",
            "Input and output",
            "Optimiser file of the iteration to go on from. All settings come from it, except those given besides.",
            with_continue=True,
        ),
    ] = ""
    pipeline_control: Annotated[
        str,
        Flag(
            "--pipeline_control",
            "Input and output",
            "Folder for RELION's marker files; the request to abort is looked for there too.",
            with_continue=True,
        ),
    ] = ""
    overwrite: Annotated[
        bool,
        Flag(
            "--overwrite",
            "Input and output",
            "Start anew although the output folder holds iterations of an earlier run.",
            with_continue=True,
        ),
    ] = False

    reference_file: Annotated[
        str,
        Flag(
            "--ref",
            "Reference and masks",
            "Map to start from. With half1 or half2 in its name, each half set takes the map of that name.",
        ),
    ] = ""
    reference_pixel_size_angstrom: Annotated[
        float,
        Flag(
            "--ref_angpix",
            "Reference and masks",
            "Pixel size of the reference, where its header is wrong.",
            unit="Å",
            bounds=Bounds(above=0, off=-1),
        ),
    ] = -1.0
    trust_reference_size: Annotated[
        bool,
        Flag(
            "--trust_ref_size",
            "Reference and masks",
            "Bring the reference to the particles' pixel size and box instead of stopping when they differ.",
            with_continue=True,
        ),
    ] = False
    initial_lowpass_angstrom: Annotated[
        float,
        Flag(
            "--ini_high",
            "Reference and masks",
            "Low-pass filter of the start reference. Zero or less: none.",
            unit="Å",
            bounds=Bounds(at_least=-1),
        ),
    ] = -1.0
    first_iteration_cc: Annotated[
        bool,
        Flag(
            "--firstiter_cc",
            "Reference and masks",
            "Compare by cross-correlation in the first iteration; for references on another grey scale.",
        ),
    ] = False
    always_cc: Annotated[
        bool, Flag("--always_cc", "Reference and masks", "Compare by cross-correlation in every iteration.")
    ] = False
    symmetry: Annotated[
        str, Flag("--sym", "Reference and masks", "Point group: Cn, Dn, T, O, I or I1 to I4, in upper or lower case.")
    ] = "C1"
    particle_diameter_angstrom: Annotated[
        float,
        Flag(
            "--particle_diameter",
            "Reference and masks",
            "Diameter of the soft sphere around each particle. -1: the box, less the mask's soft edge.",
            unit="Å",
            bounds=Bounds(above=0, off=-1),
            with_continue=True,
        ),
    ] = -1.0
    zero_mask: Annotated[
        bool,
        Flag(
            "--zero_mask",
            "Reference and masks",
            "Fill the surroundings of particles with their own mean instead of with noise.",
        ),
    ] = False
    flatten_solvent: Annotated[
        bool,
        Flag(
            "--flatten_solvent",
            "Reference and masks",
            "Mask the reference after every iteration, with --solvent_mask or a soft sphere.",
            with_continue=True,
        ),
    ] = False
    solvent_mask_file: Annotated[
        str,
        Flag("--solvent_mask", "Reference and masks", "Soft mask on the reference, 0 to 1.", with_continue=True),
    ] = ""
    solvent_correct_fsc: Annotated[
        bool,
        Flag(
            "--solvent_correct_fsc",
            "Reference and masks",
            "Measure the FSC inside the mask, corrected for the mask's own correlation.",
            with_continue=True,
        ),
    ] = False
    mask_edge_px: Annotated[
        int,
        Flag(
            "--maskedge",
            "Reference and masks",
            "Width of the soft edge of spherical masks.",
            unit="px",
            bounds=Bounds(at_least=0),
        ),
    ] = 5

    ctf_correction: Annotated[bool, Flag("--ctf", "CTF and corrections", "Model the contrast transfer function.")] = (
        False
    )
    ctf_intact_first_peak: Annotated[
        bool, Flag("--ctf_intact_first_peak", "CTF and corrections", "Take the CTF as one below its first peak.")
    ] = False
    norm_correction: Annotated[
        bool,
        Flag(
            "--norm",
            "CTF and corrections",
            "Correct each particle's norm. As in RELION this does nothing for tilt series and is only recorded.",
        ),
    ] = False
    scale_correction: Annotated[
        bool, Flag("--scale", "CTF and corrections", "Estimate a grey scale for each group of particles.")
    ] = False
    no_norm: Annotated[
        bool, Flag("--no_norm", "CTF and corrections", "Turn the norm correction off.", with_continue=True)
    ] = False
    no_scale: Annotated[
        bool, Flag("--no_scale", "CTF and corrections", "Turn the scale correction off.", with_continue=True)
    ] = False
