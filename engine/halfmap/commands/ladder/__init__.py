"""``halfmap ladder``: from a coarse binning to a fine one, unattended."""

from halfmap.commands.ladder.command import main

__all__ = ["main"]
