"""Options of RELION's program that change nothing here, and those that this version does not offer.

They are declared so that they are recognised and explained instead of being taken for misspellings. What an option asks
for is never left undone in silence: it has no effect because it could have none, or it is refused.
Spellings and defaults are those of RELION 5.0.1 (RELION: ``MlOptimiser::parseInitial``).
"""

from typing import Annotated

from halfmap.contract.option import Declarations, not_offered, without_effect


class HarmlessFlags(Declarations):
    """Options that ask for what happens anyway."""

    onthefly_shifts: Annotated[
        bool,
        without_effect(
            "--onthefly_shifts", "shifted images are never stored", "Compute shifted images when they are needed."
        ),
    ] = False
    dont_check_norm: Annotated[
        bool,
        without_effect(
            "--dont_check_norm",
            "no particle is refused for its grey scale",
            "Accept particles that are not normalised.",
        ),
    ] = False
    auto_sampling: Annotated[
        bool,
        without_effect(
            "--auto_sampling",
            "an auto-refinement adapts its sampling in any case",
            "Make the sampling finer by itself.",
        ),
    ] = False
    skip_gridding: Annotated[
        bool,
        without_effect(
            "--skip_gridding",
            "gridding is skipped unless --dont_skip_gridding is given",
            "Reconstruct without gridding iterations, as RELION 3.1 spelled it.",
        ),
    ] = False
    failsafe_threshold: Annotated[
        int,
        without_effect(
            "--failsafe_threshold",
            "no calculation falls back to higher precision here",
            "Most particles that may be computed again in double precision.",
        ),
    ] = 40


class OtherMethodFlags(Declarations):
    """Other ways to refine: classes, regularisers, masks, search modes, kinds of data."""

    classes: Annotated[int, not_offered("--K", "More than one class", "Number of classes.")] = 1
    iterations: Annotated[
        int,
        not_offered(
            "--iter", "A fixed number of iterations", "Number of iterations of a classification; see --auto_iter_max."
        ),
    ] = -1
    fast_subsets: Annotated[
        bool,
        not_offered(
            "--fast_subsets", "Classification on subsets", "Use subsets of the particles in the first iterations."
        ),
    ] = False
    allow_coarser_sampling: Annotated[
        bool,
        not_offered(
            "--allow_coarser_sampling",
            "Sampling that becomes coarser again",
            "Let the sampling of a classification become coarser.",
        ),
    ] = False
    center_classes: Annotated[
        bool,
        not_offered("--center_classes", "Recentring of maps", "Move maps to their centre of mass in every iteration."),
    ] = False
    blush: Annotated[
        bool, not_offered("--blush", "Blush regularisation", "RELION 5's trained denoiser in place of the plain prior.")
    ] = False
    blush_skip_spectral_trailing: Annotated[
        bool,
        not_offered("--blush_skip_spectral_trailing", "Blush regularisation", "Blush without limiting the spectrum."),
    ] = False
    external_reconstruct: Annotated[
        bool,
        not_offered(
            "--external_reconstruct", "Reconstruction by another program", "Hand the reconstruction to another program."
        ),
    ] = False
    tau2_fudge_scheme: Annotated[
        str,
        not_offered(
            "--tau2_fudge_scheme", "A schedule for the weight of the data", "Change --tau2_fudge over the iterations."
        ),
    ] = ""
    tau_file: Annotated[
        str, not_offered("--tau", "A fixed prior spectrum", "STAR file of a signal spectrum to be kept.")
    ] = ""
    sigma_file: Annotated[
        str, not_offered("--sigma", "A fixed noise spectrum", "STAR file of a noise spectrum to start with.")
    ] = ""
    sharpening_b_factor_angstrom2: Annotated[
        float,
        not_offered(
            "--bfactor", "Sharpening of the start reference", "B-factor laid on the start reference.", unit="Å²"
        ),
    ] = 0.0
    second_solvent_mask_file: Annotated[
        str,
        not_offered("--solvent_mask2", "A second solvent mask", "Mask of a region with a solvent level of its own."),
    ] = ""
    lowpass_mask_file: Annotated[
        str,
        not_offered("--lowpass_mask", "A low-pass filter of a part of the map", "Mask of the region to be filtered."),
    ] = ""
    lowpass_angstrom: Annotated[
        float,
        not_offered(
            "--lowpass", "A low-pass filter of a part of the map", "Low-pass filter within --lowpass_mask.", unit="Å"
        ),
    ] = 0.0
    local_symmetry_file: Annotated[
        str, not_offered("--local_symmetry", "Local symmetry", "File of local symmetry operators.")
    ] = ""
    relax_symmetry: Annotated[
        str,
        not_offered("--relax_sym", "Relaxed symmetry", "Point group whose mates are searched around each orientation."),
    ] = ""
    denovo_reference: Annotated[
        bool, not_offered("--denovo_3dref", "A start without a reference", "Make a first reference from the particles.")
    ] = False
    no_map: Annotated[bool, not_offered("--no_map", "A run without maps", "Skip the maximization.")] = False
    use_all_data: Annotated[
        bool,
        not_offered(
            "--use_all_data", "Joining of half sets before convergence", "Use all frequencies in every iteration."
        ),
    ] = False
    always_join_halves: Annotated[
        bool,
        not_offered(
            "--always_join_random_halves",
            "Joining of half sets before convergence",
            "Join both halves in every iteration.",
        ),
    ] = False
    sequential_halves: Annotated[
        bool,
        not_offered(
            "--sequential_halves_recons",
            "Reconstruction of one half after the other",
            "Reconstruct both halves one after the other to save memory.",
        ),
    ] = False
    debug_split_half: Annotated[
        int, not_offered("--debug_split_random_half", "A run on one half set", "Work on half set 1 or 2 alone.")
    ] = 0
    nearest_neighbour: Annotated[
        bool, not_offered("--NN", "Nearest-neighbour interpolation", "Interpolate by the nearest neighbour.")
    ] = False
    minimum_radius_nearest_neighbour_px: Annotated[
        int,
        not_offered(
            "--r_min_nn", "Nearest-neighbour interpolation", "Radius up to which interpolation stays linear.", unit="px"
        ),
    ] = 10
    interpolator: Annotated[
        str,
        not_offered(
            "--interpolator", "Interpolation other than linear", "Interpolation between points of a transform."
        ),
    ] = "linear"
    skip_align: Annotated[bool, not_offered("--skip_align", "A run without alignment", "Keep all poses.")] = False
    skip_rotate: Annotated[
        bool, not_offered("--skip_rotate", "A search of offsets alone", "Keep all orientations.")
    ] = False
    bimodal_psi: Annotated[
        bool,
        not_offered(
            "--bimodal_psi", "A psi prior of two directions", "Search psi around its prior and the opposite direction."
        ),
    ] = False
    only_sample_tilt: Annotated[
        bool, not_offered("--only_sample_tilt", "A search of the tilt angle alone", "Search the tilt angle only.")
    ] = False
    limit_tilt_deg: Annotated[
        float,
        not_offered(
            "--limit_tilt",
            "A limit of the tilt angle",
            "Keep to top views (positive) or side views (negative).",
            unit="deg",
        ),
    ] = -91.0
    psi_step_deg: Annotated[
        float,
        not_offered(
            "--psi_step", "A psi step of its own", "In-plane step; otherwise that of the HEALPix order.", unit="deg"
        ),
    ] = -1.0
    offset_range_x_angstrom: Annotated[
        float, not_offered("--offset_range_x", "An offset range for each axis", "Range of offsets along x.", unit="Å")
    ] = -1.0
    offset_range_y_angstrom: Annotated[
        float, not_offered("--offset_range_y", "An offset range for each axis", "Range of offsets along y.", unit="Å")
    ] = -1.0
    offset_range_z_angstrom: Annotated[
        float, not_offered("--offset_range_z", "An offset range for each axis", "Range of offsets along z.", unit="Å")
    ] = -1.0
    pad_ctf: Annotated[bool, not_offered("--pad_ctf", "Padding of the CTF", "Compute the CTF in a larger box.")] = False
    reference_has_ctf: Annotated[
        bool,
        not_offered(
            "--ctf_uncorrected_ref",
            "A reference that still holds the CTF",
            "Say that the reference is not corrected for the CTF.",
        ),
    ] = False
    phases_are_flipped: Annotated[
        bool, not_offered("--ctf_phase_flipped", "Data with flipped phases", "Say that the phases were flipped before.")
    ] = False
    only_flip_phases: Annotated[
        bool, not_offered("--only_flip_phases", "Correction of phases alone", "Correct the CTF's sign only.")
    ] = False
    sycl: Annotated[bool, not_offered("--sycl", "SYCL acceleration", "Compute through SYCL.")] = False
    print_metadata_labels: Annotated[
        bool, not_offered("--print_metadata_labels", "A list of metadata labels", "Print all labels and end.")
    ] = False
    print_symmetry_operators: Annotated[
        bool,
        not_offered("--print_symmetry_ops", "A list of symmetry operators", "Print the operators of --sym and end."),
    ] = False
