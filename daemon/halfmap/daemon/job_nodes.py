"""The files that a job takes and makes, with the types by which RELION's forms find them.

RELION: ``RelionJob::getCommandsAutorefineJob`` and ``pipeline_jobs.h`` (names of types). The numbers of 3.1 were seen
in what its ``relion_pipeliner`` writes.
"""

import posixpath
from enum import Enum
from pathlib import Path

from halfmap.contract.job_directory import (
    data_file,
    final_map_file,
    half_map_file,
    last_whole_iteration,
    optimisation_set_file,
    optimiser_file,
    unfiltered_half_map_file,
)
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_types import EXTERNAL, REFINE3D, JobType, input_files, type_of
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.pipeline_layout import Layout, Node


class Role(Enum):
    """What a file is: its type in RELION 5, 4 and 3.1 ("" for none), and what RELION adds to that of a result."""

    PARTICLES = ("ParticleGroupMetadata.star.relion", "ParticlesData.star.relion", "3", ".refine3d")
    OPTIMISER = ("OptimiserData.star.relion", "ProcessData.star.relion.optimiser", "", ".refine3d")
    HALF_MAP = ("DensityMap.mrc.relion.halfmap", "DensityMap.mrc.relion.halfmap", "10", ".refine3d")
    MAP = ("DensityMap.mrc", "DensityMap.mrc", "6", ".relion.refine3d")
    MASK = ("Mask3D.mrc", "Mask3D.mrc", "7", "")
    OPTIMISATION_SET = (
        "TomoOptimisationSet.star.relion",
        "ProcessData.star.relion.tomo.optimisation_set",
        "",
        ".refine3d",
    )
    TOMOGRAMS = ("TomogramGroupMetadata.star.relion", "", "", "")
    TRAJECTORIES = ("TomoTrajectoryData.star.relion", "", "", "")

    def __init__(self, relion_5: str, relion_4: str, relion_3: str, made: str) -> None:
        self.types = {Layout.RELION_5: relion_5, Layout.RELION_4: relion_4, Layout.RELION_3: relion_3}
        self.made = made

    def type_of_result(self, layout: Layout) -> str:
        """The type of such a file that this job makes."""
        kind = self.types[layout]
        # RELION 4 does not tell who made an optimisation set
        is_plain = not kind or layout.has_numbers or (self is Role.OPTIMISATION_SET and layout is Layout.RELION_4)
        return kind if is_plain else kind + self.made


def input_nodes(job: JobForm, layout: Layout, project: Path) -> tuple[Node, ...]:
    """Files that a job takes, named from the project's folder; those outside of it are in no list."""
    if not isinstance(job, Refine3D):
        taken = [Node(_within(name, project), kind) for _, name, kind in input_files(job)]
        return tuple(node for node in taken if node.name)
    named = [
        (Role.OPTIMISER, job.fn_cont),
        *([] if job.continues_a_run else _inputs_of_new_run(job)),
        (Role.MASK, job.fn_mask),
    ]
    nodes = [Node(_within(name, project), role.types[layout]) for role, name in named if name not in ("", "None")]
    return tuple(node for node in nodes if node.name and node.kind)


def _inputs_of_new_run(job: Refine3D) -> list[tuple[Role, str]]:
    direct = [
        (Role.PARTICLES, job.in_particles),
        (Role.TOMOGRAMS, job.in_tomograms),
        (Role.TRAJECTORIES, job.in_trajectories),
    ]
    of_set = [(Role.OPTIMISATION_SET, job.in_optimisation)]
    own = [(Role.PARTICLES, job.fn_img or "")]
    return [*(direct if job.use_direct_entries else of_set), *own, (Role.MAP, job.fn_ref)]


def _within(name: str, project: Path) -> str:
    """Name a file from the project's folder, as other jobs name it; "" if it lies outside or STAR cannot hold it."""
    path = posixpath.normpath(posixpath.join(str(project), name))
    if not path.startswith(f"{project}/"):
        return ""
    found = path[len(f"{project}/") :]
    is_readable = found[0] not in "_#;\"'" and found.isprintable()
    return found if is_readable else ""


def output_nodes(job: JobForm, name: str, layout: Layout) -> tuple[Node, ...]:
    """Files that a job will make, as RELION declares them when it is submitted."""
    if isinstance(job, Refine3D):
        return nodes_of_refinement(name, layout, takes_set=bool(job.in_optimisation))
    # RELION does not know beforehand what an external program makes
    return () if type_of(job) is EXTERNAL else _declared(type_of(job), name)


def nodes_of_end(kind: JobType, name: str, project: Path, layout: Layout) -> tuple[Node, ...]:
    """Files that a job has made that succeeded, as far as they are there."""
    is_refinement = kind is REFINE3D
    declared = nodes_of_refinement(name, layout, takes_set=True) if is_refinement else _declared(kind, name)
    final = tuple(node for node in declared if (project / node.name).exists())
    return nodes_of_last_iteration(name, project, layout) if is_refinement and not final else final


def _declared(kind: JobType, name: str) -> tuple[Node, ...]:
    return tuple(Node(f"{name}{output.file}", output.node_type, output.depth) for output in kind.outputs)


def nodes_of_refinement(name: str, layout: Layout, takes_set: bool) -> tuple[Node, ...]:
    """Files that a refinement makes."""
    root = f"{name}run"
    makes_set = takes_set or layout is Layout.RELION_5
    roles = [
        (Role.PARTICLES, data_file(root)),
        (Role.OPTIMISER, optimiser_file(root)),
        (Role.HALF_MAP, unfiltered_half_map_file(root, 1)),
        (Role.MAP, final_map_file(root)),
        *([(Role.OPTIMISATION_SET, optimisation_set_file(root))] if makes_set else []),
    ]
    return _results(roles, layout)


def nodes_of_last_iteration(name: str, project: Path, layout: Layout) -> tuple[Node, ...]:
    """Files of the last iteration, for a run that succeeded without converging (RELION: mark as finished)."""
    iteration = last_whole_iteration(project / f"{name}run")
    if iteration is None:
        return ()
    root = f"{name}run"
    roles = [
        (Role.OPTIMISER, optimiser_file(root, iteration)),
        (Role.PARTICLES, data_file(root, iteration)),
        (Role.HALF_MAP, half_map_file(root, iteration, 1)),
        (Role.OPTIMISATION_SET, optimisation_set_file(root, iteration)),
    ]
    return _results([(role, path) for role, path in roles if (project / path).exists()], layout)


def _results(roles: list[tuple[Role, Path]], layout: Layout) -> tuple[Node, ...]:
    nodes = (Node(str(path), role.type_of_result(layout)) for role, path in roles)
    return tuple(node for node in nodes if node.kind)
