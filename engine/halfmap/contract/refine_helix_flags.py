"""Options of RELION's program for helices and for gradient refinement, which this version does not offer.

They are declared so that they are recognised, explained and refused.
Spellings and defaults are those of RELION 5.0.1 (RELION: ``MlOptimiser::parseInitial``).
"""

from typing import Annotated

from halfmap.contract.option import Declarations, not_offered


class HelixFlags(Declarations):
    """Helical refinement, which is not offered."""

    helix: Annotated[bool, not_offered("--helix", "Helical refinement", "Refine filaments.")] = False
    ignore_helical_symmetry: Annotated[
        bool, not_offered("--ignore_helical_symmetry", "Helical refinement", "Impose no helical symmetry.")
    ] = False
    helical_asymmetric_units: Annotated[
        int, not_offered("--helical_nr_asu", "Helical refinement", "Asymmetric units that each particle adds.")
    ] = 1
    helical_start_number: Annotated[
        int, not_offered("--helical_nstart", "Helical refinement", "Number of strands of the helix.")
    ] = 1
    helical_twist_initial_deg: Annotated[
        float, not_offered("--helical_twist_initial", "Helical refinement", "First value of the twist.", unit="deg")
    ] = 0.0
    helical_twist_min_deg: Annotated[
        float, not_offered("--helical_twist_min", "Helical refinement", "Smallest twist tried.", unit="deg")
    ] = 0.0
    helical_twist_max_deg: Annotated[
        float, not_offered("--helical_twist_max", "Helical refinement", "Largest twist tried.", unit="deg")
    ] = 0.0
    helical_twist_step_deg: Annotated[
        float,
        not_offered(
            "--helical_twist_inistep", "Helical refinement", "First step of the search for the twist.", unit="deg"
        ),
    ] = 0.0
    helical_rise_initial_angstrom: Annotated[
        float, not_offered("--helical_rise_initial", "Helical refinement", "First value of the rise.", unit="Å")
    ] = 0.0
    helical_rise_min_angstrom: Annotated[
        float, not_offered("--helical_rise_min", "Helical refinement", "Smallest rise tried.", unit="Å")
    ] = 0.0
    helical_rise_max_angstrom: Annotated[
        float, not_offered("--helical_rise_max", "Helical refinement", "Largest rise tried.", unit="Å")
    ] = 0.0
    helical_rise_step_angstrom: Annotated[
        float,
        not_offered("--helical_rise_inistep", "Helical refinement", "First step of the search for the rise.", unit="Å"),
    ] = 0.0
    helical_central_fraction: Annotated[
        float,
        not_offered(
            "--helical_z_percentage",
            "Helical refinement",
            "Part of the box, along the axis, that defines the symmetry.",
        ),
    ] = 0.3
    helical_inner_diameter_angstrom: Annotated[
        float, not_offered("--helical_inner_diameter", "Helical refinement", "Inner diameter of the tube.", unit="Å")
    ] = -1.0
    helical_outer_diameter_angstrom: Annotated[
        float, not_offered("--helical_outer_diameter", "Helical refinement", "Outer diameter of the tube.", unit="Å")
    ] = -1.0
    helical_symmetry_search: Annotated[
        bool, not_offered("--helical_symmetry_search", "Helical refinement", "Refine twist and rise.")
    ] = False
    helical_sigma_distance: Annotated[
        float,
        not_offered(
            "--helical_sigma_distance",
            "Helical refinement",
            "Distance over which neighbours' orientations are averaged.",
        ),
    ] = -1.0
    helical_keep_tilt_prior_fixed: Annotated[
        bool,
        not_offered(
            "--helical_keep_tilt_prior_fixed",
            "Helical refinement",
            "Do not let the tilt prior follow the refined angle.",
        ),
    ] = False
    helical_offset_step_angstrom: Annotated[
        float, not_offered("--helical_offset_step", "Helical refinement", "Step of offsets along the axis.", unit="Å")
    ] = -1.0
    helical_exclude_resolutions: Annotated[
        str,
        not_offered("--helical_exclude_resols", "Helical refinement", "Ranges of resolution, in Å, to be left out."),
    ] = ""
    fourier_mask_file: Annotated[
        str, not_offered("--fourier_mask", "Helical refinement", "Mask of the layer lines.")
    ] = ""


class GradientFlags(Declarations):
    """Gradient refinement and self-organising maps, which are not offered."""

    gradient: Annotated[bool, not_offered("--grad", "Gradient refinement", "Refine by stochastic gradients.")] = False
    gradient_em_iterations: Annotated[
        int, not_offered("--grad_em_iters", "Gradient refinement", "Iterations of expectation-maximization at the end.")
    ] = 0
    gradient_initial_fraction: Annotated[
        float, not_offered("--grad_ini_frac", "Gradient refinement", "Share of iterations in the first phase.")
    ] = 0.3
    gradient_final_fraction: Annotated[
        float, not_offered("--grad_fin_frac", "Gradient refinement", "Share of iterations in the last phase.")
    ] = 0.2
    gradient_minimum_resolution_angstrom: Annotated[
        float, not_offered("--grad_min_resol", "Gradient refinement", "Coarsest resolution of the reference.", unit="Å")
    ] = 20.0
    gradient_initial_resolution_angstrom: Annotated[
        float, not_offered("--grad_ini_resol", "Gradient refinement", "Resolution of the first phase.", unit="Å")
    ] = -1.0
    gradient_final_resolution_angstrom: Annotated[
        float, not_offered("--grad_fin_resol", "Gradient refinement", "Resolution of the last phase.", unit="Å")
    ] = -1.0
    gradient_initial_subset: Annotated[
        int, not_offered("--grad_ini_subset", "Gradient refinement", "Particles of each step in the first phase.")
    ] = -1
    gradient_final_subset: Annotated[
        int, not_offered("--grad_fin_subset", "Gradient refinement", "Particles of each step in the last phase.")
    ] = -1
    gradient_momentum: Annotated[float, not_offered("--mu", "Gradient refinement", "Weight of earlier steps.")] = 0.9
    gradient_step_size: Annotated[
        float, not_offered("--grad_stepsize", "Gradient refinement", "Size of each step.")
    ] = -1.0
    gradient_step_scheme: Annotated[
        str, not_offered("--grad_stepsize_scheme", "Gradient refinement", "Schedule of the step size.")
    ] = ""
    gradient_write_iterations: Annotated[
        int, not_offered("--grad_write_iter", "Gradient refinement", "How often files are written.")
    ] = 10
    no_initial_blobs: Annotated[
        bool, not_offered("--no_init_blobs", "Gradient refinement", "Start without random blobs.")
    ] = False
    som: Annotated[bool, not_offered("--som", "A self-organising map", "Order classes in a map.")] = False
    som_initial_nodes: Annotated[
        int, not_offered("--som_ini_nodes", "A self-organising map", "Nodes at the start.")
    ] = 2
    som_connectivity: Annotated[
        float, not_offered("--som_connectivity", "A self-organising map", "Edges of each node.")
    ] = 5.0
    som_inactivity_threshold: Annotated[
        float,
        not_offered("--som_inactivity_threshold", "A self-organising map", "Below this activity nodes are dropped."),
    ] = 0.01
    som_neighbour_pull: Annotated[
        float, not_offered("--som_neighbour_pull", "A self-organising map", "Pull of each node on its neighbours.")
    ] = 0.2
    class_inactivity_threshold: Annotated[
        float,
        not_offered("--class_inactivity_threshold", "Gradient refinement", "Below this activity classes are dropped."),
    ] = 0.0
