"""The tab Helix of the Refine3D form.

Labels, defaults and conditions are those of RELION 5.0.1 (RELION: ``RelionJob::initialiseAutorefineJob``). This version
refuses helical refinement; the tab is kept so that RELION's job files are read and written whole.
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Option, Slider, When

_HELIX = (When("do_helix", True),)
_SYMMETRY = (*_HELIX, When("do_apply_helical_symmetry", True))
_SEARCH = (*_SYMMETRY, When("do_local_search_helical_symmetry", True))


class HelixTab(Declarations):
    """Helical refinement."""

    do_helix: Annotated[
        bool,
        Option(
            "Helix", "Do helical reconstruction?", "Refine filaments. Not offered by this version.", flags=("--helix",)
        ),
    ] = False
    helical_tube_inner_diameter: Annotated[
        float,
        Option(
            "Helix",
            "Tube diameter - inner (A):",
            "Inner diameter of hollow tubes. Zero or less: not hollow.",
            unit="Å",
            flags=("--helical_inner_diameter",),
            enabled_when=_HELIX,
        ),
    ] = -1.0
    helical_tube_outer_diameter: Annotated[
        float,
        Option(
            "Helix",
            "Tube diameter - outer (A):",
            "Outer diameter of the tubes; must be smaller than the mask diameter.",
            unit="Å",
            flags=("--helical_outer_diameter",),
            enabled_when=_HELIX,
        ),
    ] = -1.0
    range_rot: Annotated[
        float,
        Option(
            "Helix",
            "Angular search range - rot (deg):",
            "Half width of the search around the prior rot angle; three standard deviations.",
            unit="deg",
            flags=("--sigma_rot",),
            enabled_when=_HELIX,
        ),
    ] = -1.0
    range_tilt: Annotated[
        float,
        Option(
            "Helix",
            "Angular search range - tilt (deg):",
            "Half width of the search around the prior tilt angle; three standard deviations.",
            unit="deg",
            flags=("--sigma_tilt",),
            enabled_when=_HELIX,
        ),
    ] = 15.0
    range_psi: Annotated[
        float,
        Option(
            "Helix",
            "Angular search range - psi (deg):",
            "Half width of the search around the prior psi angle; three standard deviations.",
            unit="deg",
            flags=("--sigma_psi",),
            enabled_when=_HELIX,
        ),
    ] = 10.0
    helical_range_distance: Annotated[
        float,
        Option(
            "Helix",
            "Range factor of local averaging:",
            "Distance along the filament over which neighbours' orientations are averaged. Zero or less: none.",
            flags=("--helical_sigma_distance",),
            slider=Slider(1, 5, 0.1),
            enabled_when=_HELIX,
        ),
    ] = -1.0
    keep_tilt_prior_fixed: Annotated[
        bool,
        Option(
            "Helix",
            "Keep tilt-prior fixed:",
            "Do not let the prior tilt angle follow the refined one.",
            flags=("--helical_keep_tilt_prior_fixed",),
            enabled_when=_HELIX,
        ),
    ] = True
    do_apply_helical_symmetry: Annotated[
        bool,
        Option(
            "Helix",
            "Apply helical symmetry?",
            "Impose twist and rise on the reconstruction.",
            flags=("--ignore_helical_symmetry",),
            enabled_when=_HELIX,
        ),
    ] = True
    helical_nr_asu: Annotated[
        int,
        Option(
            "Helix",
            "Number of unique asymmetrical units:",
            "How many asymmetric units each particle adds to the ones before it.",
            flags=("--helical_nr_asu",),
            slider=Slider(1, 100, 1),
            bounds=Bounds(at_least=1),
            enabled_when=_SYMMETRY,
        ),
    ] = 1
    helical_twist_initial: Annotated[
        float,
        Option(
            "Helix",
            "Initial helical twist (deg):",
            "Rotation from one subunit to the next.",
            unit="deg",
            flags=("--helical_twist_initial",),
            enabled_when=_SYMMETRY,
        ),
    ] = 0.0
    helical_rise_initial: Annotated[
        float,
        Option(
            "Helix",
            "Initial helical rise (A):",
            "Shift along the axis from one subunit to the next.",
            unit="Å",
            flags=("--helical_rise_initial",),
            enabled_when=_SYMMETRY,
        ),
    ] = 0.0
    helical_z_percentage: Annotated[
        float,
        Option(
            "Helix",
            "Central Z length (%):",
            "Part of the box, along the axis, from which the symmetry is taken.",
            unit="%",
            flags=("--helical_z_percentage",),
            slider=Slider(5, 80, 1),
            bounds=Bounds(above=0, at_most=100),
            enabled_when=_SYMMETRY,
        ),
    ] = 30.0
    do_local_search_helical_symmetry: Annotated[
        bool,
        Option(
            "Helix",
            "Do local searches of symmetry?",
            "Refine twist and rise within the limits below.",
            flags=("--helical_symmetry_search",),
            enabled_when=_SYMMETRY,
        ),
    ] = False
    helical_twist_min: Annotated[
        float,
        Option(
            "Helix",
            "Helical twist search (deg) - Min:",
            "Smallest twist tried.",
            unit="deg",
            flags=("--helical_twist_min",),
            enabled_when=_SEARCH,
        ),
    ] = 0.0
    helical_twist_max: Annotated[
        float,
        Option(
            "Helix",
            "Helical twist search (deg) - Max:",
            "Largest twist tried.",
            unit="deg",
            flags=("--helical_twist_max",),
            enabled_when=_SEARCH,
        ),
    ] = 0.0
    helical_twist_inistep: Annotated[
        float,
        Option(
            "Helix",
            "Helical twist search (deg) - Step:",
            "First step of the search for the twist. Zero or less: chosen by the program.",
            unit="deg",
            flags=("--helical_twist_inistep",),
            enabled_when=_SEARCH,
        ),
    ] = 0.0
    helical_rise_min: Annotated[
        float,
        Option(
            "Helix",
            "Helical rise search (A) - Min:",
            "Smallest rise tried.",
            unit="Å",
            flags=("--helical_rise_min",),
            enabled_when=_SEARCH,
        ),
    ] = 0.0
    helical_rise_max: Annotated[
        float,
        Option(
            "Helix",
            "Helical rise search (A) - Max:",
            "Largest rise tried.",
            unit="Å",
            flags=("--helical_rise_max",),
            enabled_when=_SEARCH,
        ),
    ] = 0.0
    helical_rise_inistep: Annotated[
        float,
        Option(
            "Helix",
            "Helical rise search (A) - Step:",
            "First step of the search for the rise. Zero or less: chosen by the program.",
            unit="Å",
            flags=("--helical_rise_inistep",),
            enabled_when=_SEARCH,
        ),
    ] = 0.0
