"""A job's curves, printed."""

import argparse
import os
import sys

from rich.console import Console

from halfmap.commands.queue.printing import print_note
from halfmap.commands.queue.talking import Code, Unusable
from halfmap.daemon.client import Client, JobRow
from halfmap.tui.charts.all import CHARTS
from halfmap.tui.charts.to_rich import as_text
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.job.pictures import PictureTaker
from halfmap.tui.report.curves import plots_of
from halfmap.tui.terminal.look import colours_of, is_utf8

CHART_NAMES = (*CHARTS, "all")
_HEIGHT, _PIPE_WIDTH = 18, 100


async def print_charts(client: Client, row: JobRow, options: argparse.Namespace) -> int:
    """Draw the charts that were asked for.

    Raises
    ------
    Unusable
        If the iteration to look at is not among the finished ones.
    """
    picture = await PictureTaker(client, row.job).take(JobPicture())
    if picture.trouble:
        print_note(picture.trouble)
    course = picture.course
    if options.iteration is not None and course.at(options.iteration) is None:
        finished = [one.iteration for one in course.iterations]
        told = f"{finished[0]} to {finished[-1]} are" if finished else "none is"
        raise Unusable(f"iteration {options.iteration} is not finished; {told}.")
    console = Console() if sys.stdout.isatty() else Console(width=_PIPE_WIDTH)
    in_ascii = options.ascii or not is_utf8(os.environ)
    theme = "ansi" if colours_of(os.environ) == "16" else "dark"
    names = CHARTS if options.chart == "all" else (options.chart,)
    plots = [plot for name in names for plot in plots_of(name, course, options.iteration, picture.samples)]
    for nth, plot in enumerate(plots):
        if nth:
            console.print()
        console.print(
            as_text(plot, console.width, options.height or _HEIGHT, in_ascii, theme), no_wrap=True, crop=False
        )
    return Code.DONE
