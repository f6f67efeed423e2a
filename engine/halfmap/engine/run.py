"""A whole run, from arguments to results, iteration by iteration: the engine's Python interface."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from halfmap.contract import job_directory
from halfmap.contract.progress import IterationFinished, ProgressWriter, RunFinished
from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.backend.interface import Backend
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.run_files import RunFiles
from halfmap.engine.formats.write_behind import WriteBehind
from halfmap.engine.ranks.alone import Alone
from halfmap.engine.ranks.communicator import Communicator
from halfmap.engine.refinement.greyscale import first_plan, measure_contrast
from halfmap.engine.refinement.iteration import Outcome, next_state
from halfmap.engine.refinement.refinement import Refinement
from halfmap.engine.refinement.settings import Settings
from halfmap.engine.refinement.start import first_state
from halfmap.engine.refinement.state import State
from halfmap.engine.reporting import words
from halfmap.engine.reporting.records import iteration_finished, memory_mb, run_started
from halfmap.engine.reporting.run_log import BY_CAPTAIN_OF_HALF_1, BY_FIRST_RANK, RunLog
from halfmap.engine.setup.assembly import assemble, image_source
from halfmap.engine.setup.cards import backend_of_rank
from halfmap.engine.setup.inputs import Inputs, read_inputs
from halfmap.engine.setup.output import remove_results, remove_unfinished
from halfmap.engine.setup.settings import first_sampling, settings_of


class ToldElsewhere(Exception):
    """Input was refused; the first rank tells why."""


def refine(
    arguments: RefineArguments,
    communicator: Communicator | None = None,
    check_abort: Callable[[], None] = lambda: None,
    begin: Callable[[], None] = lambda: None,
    quiet: bool = False,
    write_behind: bool = False,
) -> Iterator[IterationFinished]:
    """Refine, and give one record for each finished iteration.

    Parameters
    ----------
    arguments
        Options, as on the command line.
    communicator
        The ranks that work together, each of which must call this; one rank by default.
    check_abort
        Called often; raises to stop the run.
    begin
        Called once when all input has been accepted, before the first file is written.
    quiet
        Print nothing.
    write_behind
        Write the files of an iteration while the next one is computed. What is yielded comes that much later.

    Yields
    ------
    IterationFinished
        What an iteration measured and decided; its files are complete by then.

    Raises
    ------
    BadInput
        If options or files are refused. No result has been written or overwritten then.
    """
    ranks = communicator or Alone()
    with threadpool_limits(1):  # particles are shared out over threads; the products inside must not be
        inputs = _inputs_for_all(arguments, ranks)
        ranks.deterministic = inputs.arguments.deterministic
        backend = _backend(inputs, ranks)
        particles = inputs.particles
        settings = settings_of(
            inputs.arguments, inputs.grid, len(particles.scale_groups), inputs.seed, particles.are_volumes
        )
        with WriteBehind[IterationFinished]() as writing, image_source(inputs, ranks) as source:

            def check() -> None:
                writing.check()
                check_abort()

            log = _log(inputs, settings, ranks, check, quiet)
            refinement = assemble(inputs, settings, ranks, backend, source, log)
            run = Run(inputs, refinement, log, begin, writing, write_behind)
            yield from run.iterations()


def _inputs_for_all(arguments: RefineArguments, ranks: Communicator) -> Inputs:
    """Read on the first rank and send to the others, so that trouble is told once."""
    inputs, refused = None, None
    if ranks.is_first:
        try:
            inputs = read_inputs(arguments, Path())
        except BadInput as error:
            refused = error
    if ranks.broadcast((refused is not None,), 0)[0]:
        raise refused or ToldElsewhere
    return ranks.broadcast(inputs, 0)


def _backend(inputs: Inputs, ranks: Communicator) -> Backend:
    """Choose what computes on this rank; trouble is told once."""
    try:
        return backend_of_rank(inputs.arguments, ranks)
    except BadInput:
        if ranks.is_first:
            raise
        raise ToldElsewhere from None


def _log(
    inputs: Inputs, settings: Settings, ranks: Communicator, check_abort: Callable[[], None], quiet: bool
) -> RunLog:
    silent = quiet or inputs.arguments.verbosity == 0
    first = BY_FIRST_RANK if ranks.is_first else frozenset()
    captain = BY_CAPTAIN_OF_HALF_1 if ranks.is_captain(1) else frozenset()
    draws = frozenset() if silent else first | captain
    return RunLog(sys.stdout, ranks.is_first and not silent, draws, settings, check_abort)


@dataclass
class Run:
    """A run on one rank.

    Parameters
    ----------
    inputs
        What it starts from.
    refinement
        The refinement.
    log
        Where it tells what it does.
    begin
        Called before the first file is written.
    writing
        Writes the files of iterations.
    write_behind
        Compute the next iteration meanwhile.
    """

    inputs: Inputs
    refinement: Refinement
    log: RunLog
    begin: Callable[[], None]
    writing: WriteBehind[IterationFinished]
    write_behind: bool

    def __post_init__(self) -> None:
        self.ranks = self.refinement.communicator
        self.arguments = self.inputs.arguments
        self.files = RunFiles(self.refinement, self.arguments, self.inputs.particle_file, self.inputs.passed_on)

    def iterations(self) -> Iterator[IterationFinished]:
        """Run to the end; give one record for each finished iteration."""
        self.log.say(words.opening_lines(self.ranks.describe(), self.inputs.notes))
        state = self._continued() if self.inputs.checkpoint else self._started()
        settings = self.refinement.settings
        outcome = None
        while not self._has_stopped(state):
            outcome = next_state(self.refinement, state)
            state = outcome.state
            yield from self._kept(outcome)
            self.refinement = replace(self.refinement, settings=replace(settings, finish_now=False))
        yield from self.writing.finish()
        self._conclude(state, outcome)

    def _started(self) -> State:
        """Make the starting state, check the reference against the particles, and only then write anything."""
        references, arguments = self.inputs.references, self.arguments
        sampling = first_sampling(arguments, self.inputs.grid)
        offset, sample = arguments.sigma_offset_angstrom, arguments.images_for_noise
        state = first_state(self.refinement, references, sampling, offset, sample)
        check_reference(self.refinement, state, arguments)
        self._open_records()
        if self.ranks.is_first:
            self.files.write_iteration(state)
        return state

    def _continued(self) -> State:
        checkpoint = self.inputs.checkpoint
        assert checkpoint is not None
        self._open_records()
        return State(checkpoint.control, checkpoint.halves, self.refinement.particles.start)

    def _open_records(self) -> None:
        """Begin to keep records, on the first rank; an overwritten run's files go first."""
        self.begin()
        if not self.ranks.is_first:
            return
        checkpoint, root = self.inputs.checkpoint, self.arguments.output_root
        remove_unfinished(Path(root))
        if self.arguments.overwrite and checkpoint is None:
            remove_results(Path(root))
        self.log.records = ProgressWriter(job_directory.progress_file(root))
        continued_from = None if checkpoint is None else checkpoint.control.iteration
        self.log.record(run_started(self.arguments, self.refinement, continued_from))

    def _has_stopped(self, state: State) -> bool:
        settings, control = self.refinement.settings, state.control
        if control.has_converged or control.iteration >= settings.last_iteration:
            return True
        if settings.skip_maximization and control.iteration > self._first_iteration:
            return True
        limit = settings.stop_at_angstrom
        return limit > 0 and control.resolution_per_angstrom > 1 / limit

    @property
    def _first_iteration(self) -> int:
        return self.inputs.checkpoint.control.iteration if self.inputs.checkpoint else 0

    def _kept(self, outcome: Outcome) -> list[IterationFinished]:
        """Have an iteration's files written; give the records of those whose files are complete."""
        self.log.phase("write", 0, 1)
        start = time.monotonic()
        number = None if outcome.joined is not None else outcome.state.control.iteration
        if not self.refinement.settings.skip_maximization:
            self.files.write_unfiltered(outcome.unfiltered, number)
        memory, taken_s = self.ranks.gather(memory_mb()), time.monotonic() - start
        finished = self.writing.start(lambda: self._written(outcome, memory, taken_s))
        if not self.write_behind:
            finished += self.writing.finish()
        self.log.phase("write", 1, 1)
        return finished

    def _written(self, outcome: Outcome, memory: list[float], taken_s: float) -> IterationFinished:
        """Write the files and then the record, so that a record means that files are complete."""
        start = time.monotonic()
        if self.ranks.is_first:
            self._write(outcome)
        outcome.seconds["write"] = taken_s + time.monotonic() - start
        return self.log.record(iteration_finished(self.refinement, outcome, memory))

    def _write(self, outcome: Outcome) -> None:
        if self.refinement.settings.skip_maximization:
            self.files.write_particles(outcome.state, None)
        elif outcome.joined is None:
            self.files.write_iteration(outcome.state)
        else:
            self.files.write_final(outcome.state, outcome.joined)

    def _conclude(self, state: State, outcome: Outcome | None) -> None:
        root, control = self.arguments.output_root, state.control
        names: tuple[Path, ...] = ()
        if outcome is not None and outcome.joined is not None:
            names = (
                job_directory.final_map_file(root),
                job_directory.final_model_file(root),
                job_directory.data_file(root),
            )
            corrected = self.arguments.solvent_correct_fsc and self.refinement.has_user_mask
            self.log.say(words.final_lines(control, *names, masked=corrected))
            if not outcome.is_resolved:
                self.log.say(words.unresolved_lines(control))
        elif self.refinement.settings.skip_maximization:
            self.log.say(words.skipped_lines())
        else:
            self.log.say(words.unconverged_lines(control, self.refinement.settings.last_iteration))
        claimed = control.resolution_per_angstrom > 0 and (outcome is None or outcome.is_resolved)
        resolution = 1 / control.resolution_per_angstrom if claimed else None
        self.log.record(RunFinished(resolution_angstrom=resolution, files=tuple(str(name) for name in names)))


def check_reference(refinement: Refinement, state: State, arguments: RefineArguments) -> None:
    """Refuse a reference that is inverted, or off the absolute grey scale that is claimed for it.

    Raises
    ------
    BadInput
        On the first rank, saying what to change; `ToldElsewhere` on the others.
    """
    ranks = refinement.communicator
    contrast = None
    if ranks.is_captain(1):
        contrast = measure_contrast(refinement, state, first_plan(refinement, state))
    contrast = ranks.broadcast(contrast, ranks.captain_rank(1))
    refused = None
    if contrast.is_inverted:
        refused = words.inverted_reference(arguments.reference_file, contrast)
    elif contrast.is_off_scale and not arguments.first_iteration_cc and not arguments.always_cc:
        refused = words.reference_off_scale(arguments.reference_file, contrast)
    if refused:
        raise BadInput(refused) if ranks.is_first else ToldElsewhere
