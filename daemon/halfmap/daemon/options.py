"""A job's options as the store keeps them: texts by key, those that differ from their defaults."""

from collections.abc import Mapping
from functools import lru_cache

from halfmap.contract.job_form import JobForm
from halfmap.contract.job_types import job_from_texts, texts_of, type_labelled

__all__ = ["job_of", "texts_of"]


def job_of(kind: str, options: Mapping[str, str]) -> JobForm:
    """Read options back; what cannot be read has its default, and was refused when it came.

    Raises
    ------
    LookupError
        If no job of this kind can be queued: nobody asks for the options of such a job.
    """
    return _job_of(kind, frozenset(options.items()))


@lru_cache(maxsize=512)
def _job_of(kind: str, options: frozenset[tuple[str, str]]) -> JobForm:
    found = type_labelled(kind)
    if found is None:
        raise LookupError(f"{kind} is no type of job that is queued here")
    return job_from_texts(found, dict(options))[0]
