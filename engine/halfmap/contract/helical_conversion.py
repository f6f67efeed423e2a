"""The part of the conversion from form to program that concerns helices, which the engine refuses in this version.

RELION: ``RelionJob::getCommandsAutorefineJob`` (5.0.1).
"""

from collections.abc import Mapping

from halfmap.contract.option import Value
from halfmap.contract.refine3d import Refine3D

Settings = Mapping[str, Value]
"""Options of the program by the names of their fields."""


def only_given(settings: Settings) -> Settings:
    """Leave out switches that are off, empty texts and zeros: RELION writes none of them."""
    return {name: value for name, value in settings.items() if value}


def helical_settings(job: Refine3D) -> Settings:
    """Give the program's options for the tab Helix of a job that refines filaments."""
    return {
        "helix": True,
        "helical_outer_diameter_angstrom": job.helical_tube_outer_diameter,
        **only_given(
            {
                "helical_inner_diameter_angstrom": max(job.helical_tube_inner_diameter, 0),
                "helical_sigma_distance": max(job.helical_range_distance, 0) / 3,
                "helical_keep_tilt_prior_fixed": job.keep_tilt_prior_fixed,
            }
        ),
        **(_helical_symmetry(job) if job.do_apply_helical_symmetry else {"ignore_helical_symmetry": True}),
        **(_helical_priors(job) if job.sampling != job.auto_local_sampling else {}),
    }


def _helical_symmetry(job: Refine3D) -> Settings:
    return {
        "helical_asymmetric_units": job.helical_nr_asu,
        "helical_twist_initial_deg": job.helical_twist_initial,
        "helical_rise_initial_angstrom": job.helical_rise_initial,
        "helical_central_fraction": job.helical_z_percentage / 100,
        **(_helical_search(job) if job.do_local_search_helical_symmetry else {}),
    }


def _helical_search(job: Refine3D) -> Settings:
    return {
        "helical_symmetry_search": True,
        "helical_twist_min_deg": job.helical_twist_min,
        "helical_twist_max_deg": job.helical_twist_max,
        "helical_rise_min_angstrom": job.helical_rise_min,
        "helical_rise_max_angstrom": job.helical_rise_max,
        **only_given(
            {
                "helical_twist_step_deg": max(job.helical_twist_inistep, 0),
                "helical_rise_step_angstrom": max(job.helical_rise_inistep, 0),
            }
        ),
    }


def _helical_priors(job: Refine3D) -> Settings:
    return {
        "sigma_tilt_deg": _sigma_from_range(job.range_tilt),
        "sigma_psi_deg": _sigma_from_range(job.range_psi),
        "sigma_rot_deg": _sigma_from_range(job.range_rot),
    }


def _sigma_from_range(range_deg: float) -> float:
    return min(max(range_deg, 0.0), 90.0) / 3
