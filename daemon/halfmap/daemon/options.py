"""A job's options as the store keeps them: texts by key, those that differ from their defaults."""

from collections.abc import Mapping
from functools import lru_cache

from halfmap.contract.option import value_text
from halfmap.contract.refine3d import OPTIONS, Refine3D, job_from_values


def texts_of(job: Refine3D) -> dict[str, str]:
    """Write options as texts."""
    return {
        key: value_text(getattr(job, key)) for key, option in OPTIONS.items() if getattr(job, key) != option.default
    }


def job_of(options: Mapping[str, str]) -> Refine3D:
    """Read options back; what cannot be read has its default, and was refused when it came."""
    return _job_of(frozenset(options.items()))


@lru_cache(maxsize=512)
def _job_of(options: frozenset[tuple[str, str]]) -> Refine3D:
    return job_from_values(dict(options))[0]
