"""``halfmap``, ``halfmap tui``: the terminal interface."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from halfmap.tui.terminal.look import THEMES, Look, NoTerminal, look_of

if TYPE_CHECKING:
    from halfmap.tui.app import HalfmapApp

_REMOTE_FPS = "15"


def main(argv: Sequence[str]) -> int:
    """Show the interface until it is left."""
    options = parser().parse_args(argv)
    try:
        look = look_of(
            os.environ,
            ascii_only=options.ascii,
            theme=options.theme,
            read_only=options.read_only,
            mouse=not options.no_mouse,
        )
    except NoTerminal as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    prepare_terminal(look)
    if options.demo:
        return asyncio.run(_show_demo(look))
    return asyncio.run(_show(options, look))


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="halfmap tui",
        description="Jobs, their curves, maps and output, and the form of the next one, in this terminal. "
        "`halfmap` alone does the same.",
    )
    made.add_argument("job", nargs="?", default="", metavar="JOB", help="open this job: a number, job012, or an alias")
    made.add_argument(
        "--project", type=Path, metavar="DIR", help="only this project's jobs [the current directory if it is one]"
    )
    made.add_argument("--all", action="store_true", help="jobs of all projects, wherever this is said")
    made.add_argument("--read-only", action="store_true", help="look, and change nothing")
    made.add_argument("--ascii", action="store_true", help="ASCII signs only; by itself where the locale is not UTF-8")
    made.add_argument("--theme", choices=THEMES, default="", help="colours [dark; ansi below 256 colours]")
    made.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal, to select text")
    made.add_argument("--demo", action="store_true", help="recorded jobs, without a daemon")
    return made


def prepare_terminal(look: Look) -> None:
    """Set what has to be set before Textual is loaded.

    Textual draws on standard error, in UTF-8 whatever the locale is.
    """
    if look.is_remote:
        os.environ.setdefault("TEXTUAL_FPS", _REMOTE_FPS)
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="replace")


async def _show(options: argparse.Namespace, look: Look) -> int:
    from halfmap.daemon.client import connect
    from halfmap.tui.app import HalfmapApp
    from halfmap.tui.screens.jobs import JobsScreen

    project = None if options.all else _project(options.project)
    async with connect(os.environ, lambda away: app.link.is_away(f"{away}")) as client:
        app = HalfmapApp(client, look, lambda: JobsScreen(project), options.job, project)
        return await run(app, look)


async def _show_demo(look: Look) -> int:
    from halfmap.tui.app import HalfmapApp
    from halfmap.tui.demo import Demo
    from halfmap.tui.screens.jobs import JobsScreen

    demo = Demo()
    playing = asyncio.create_task(demo.play(), name="demo")
    try:
        return await run(HalfmapApp(demo.service, look, lambda: JobsScreen(now=demo.now), now=demo.now), look)
    finally:
        playing.cancel()
        demo.close()


async def run(app: "HalfmapApp", look: Look) -> int:
    """Run the interface in this terminal; it ends with the terminal."""
    from halfmap.tui.terminal.hangup import guard

    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.call_soon_threadsafe(app.exit)

    guard(end)
    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, app.exit)
    await app.run_async(mouse=look.mouse)
    return app.return_code or 0


def _project(given: Path | None) -> str | None:
    """Give the project that is meant; None for all."""
    if given is not None:
        return str(given.resolve())
    here = Path.cwd()
    return str(here) if (here / "default_pipeline.star").exists() else None
