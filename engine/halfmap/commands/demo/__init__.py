"""``halfmap demo``: simulate a small project, refine it under MPI and show the result."""

from halfmap.commands.demo.command import main

__all__ = ["main"]
