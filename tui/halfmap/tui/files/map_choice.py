"""Which map of a job is looked at: of which iteration, and which half."""

from dataclasses import dataclass

from halfmap.daemon.client import IterationFiles, JobFiles

KINDS = ("half 1", "half 2", "joined")


@dataclass(frozen=True, slots=True)
class MapChoice:
    """A map to be shown.

    Attributes
    ----------
    iteration
        None if there is none.
    kind
        One of `KINDS`.
    is_unfiltered
        It is one of the halves that the joined map was made of.
    path
        Empty if there is none; `trouble` says why.
    newest
        The newest map of the same kind.
    kinds
        Those that this iteration has.
    trouble
        What is not as it was asked for, in a sentence.
    """

    iteration: int | None = None
    kind: str = KINDS[0]
    is_unfiltered: bool = False
    path: str = ""
    newest: str = ""
    kinds: tuple[str, ...] = ()
    trouble: str = ""

    def __str__(self) -> str:
        return f"{self.kind} unfiltered" if self.is_unfiltered else self.kind


def maps_of(files: IterationFiles) -> dict[str, str]:
    """Give the maps of an iteration that are there, by their kind."""
    paths = (*files.half_maps, files.map)
    return {kind: path for kind, path in zip(KINDS, paths, strict=True) if path}


def choose_map(files: JobFiles, iteration: int | None, wanted: str = "") -> MapChoice:
    """Choose a map.

    Parameters
    ----------
    iteration
        None for the latest that has a map.
    wanted
        One of `KINDS`; empty for the joined map where there is one, and half 1 elsewhere.
    """
    with_maps = [one for one in files.iterations if maps_of(one)]
    if iteration is None:
        if not with_maps:
            return MapChoice(trouble=files.trouble or "No map has been written yet.")
        found = with_maps[-1]
    else:
        there = [one for one in with_maps if one.iteration == iteration]
        if not there:
            return MapChoice(iteration, trouble=f"Iteration {iteration} has no map.")
        found = there[-1]
    maps = maps_of(found)
    kind, told = _kind(maps, wanted, found.iteration)
    newest = [maps_of(one)[kind] for one in with_maps if one.is_joined == found.is_joined and kind in maps_of(one)]
    return MapChoice(
        found.iteration,
        kind,
        found.is_joined and kind != KINDS[2],
        maps[kind],
        newest[-1],
        tuple(maps),
        told,
    )


def _kind(maps: dict[str, str], wanted: str, iteration: int) -> tuple[str, str]:
    if wanted in maps:
        return wanted, ""
    kind = KINDS[2] if KINDS[2] in maps and not wanted else next(iter(maps))
    if not wanted:
        return kind, ""
    missing = "joined map" if wanted == KINDS[2] else f"map of {wanted}"
    return kind, f"Iteration {iteration} has no {missing}; this is {kind}."
