"""Handing attempts to Slurm: the same shim, started by a batch script in an allocation."""

import copy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from halfmap.contract.whole_file import write_whole
from halfmap.daemon.attempt_files import Spec
from halfmap.daemon.launcher import SHIM, Launcher, Started
from halfmap.daemon.slurm_programs import SlurmRefused, SlurmUnavailable
from halfmap.daemon.slurm_queue import SlurmQueue
from halfmap.daemon.slurm_script import Asked, BadTemplate, Names, batch_script, check_template
from halfmap.daemon.slurm_squeue import PREFIX

__all__ = ["Asked", "BadTemplate", "OverSlurm", "SlurmRefused", "SlurmUnavailable"]

SCRIPT, OUTPUT = "batch.sh", "slurm.out"


class OverSlurm(SlurmQueue, Launcher):
    """Starts shims in Slurm's allocations.

    Parameters
    ----------
    environ
        Of the daemon.
    template
        Of the batch script; "" for the built-in one.
    options
        Further words for ``sbatch``.

    Raises
    ------
    BadTemplate
        If the template or a word cannot be used.
    """

    def __init__(self, environ: Mapping[str, str], template: str = "", options: Sequence[str] = ()) -> None:
        super().__init__(environ, options)
        if template:
            check_template(template)
        self._template = template
        self._asked: Asked | None = None

    def asking(self, asked: Asked) -> Self:
        """Give a launcher that asks Slurm for what a job needs; the other shares everything else with this one."""
        other = copy.copy(self)
        other._asked = asked
        return other

    def start(self, folder: Path, spec: Spec) -> Started:
        """Hand an attempt to Slurm; may be repeated after any failure, and asks Slurm for it once.

        Raises
        ------
        SlurmUnavailable
            If it is not certain that Slurm has it, nor that it has not.
        SlurmRefused
            If Slurm does not take it, or it cannot be written down for Slurm.
        """
        assert self._asked is not None, "what a job asks for is not left to chance"
        try:
            script = batch_script(self._asked, _names(folder, spec), self._template)
        except BadTemplate as error:
            raise SlurmRefused(str(error)) from None
        write_whole(folder / SCRIPT, script)
        return Started(slurm_job=self.submit(spec.uuid, folder / SCRIPT, Path(spec.project)))


def _names(folder: Path, spec: Spec) -> Names:
    return Names(
        job_name=f"{PREFIX}{spec.uuid}",
        comment=f"halfmap:{spec.uuid}",
        project=spec.project,
        attempt_folder=str(folder),
        python=sys.executable,
        shim=str(SHIM),
        output=str(folder / OUTPUT),
    )
