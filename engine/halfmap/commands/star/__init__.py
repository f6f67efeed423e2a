"""``halfmap star``: what is done to STAR files, a verb each.

Each verb is a file of its own, imported when it is asked for. RELION's program has a flag where halfmap has a verb, so
``halfmap star --center …`` is ``halfmap star center …``.
"""

import importlib
import sys
from collections.abc import Sequence

from halfmap.contract.exit_codes import ExitCode

VERBS = {
    "center": "make another point of the reference the centre of all particles",
}


def main(argv: Sequence[str]) -> int:
    """Find the verb and let it do its work; return the exit code."""
    verb, words = _verb(argv)
    if verb is None:
        asked = not argv or argv[0] in ("--help", "-h", "help")
        problem = "" if asked else f"halfmap star: no verb among {' '.join(argv)!r}.\n\n"
        print(problem + usage(), file=sys.stdout if asked else sys.stderr)
        return ExitCode.SUCCESS if asked else 2
    return int(importlib.import_module(f"halfmap.commands.star.{verb}").main(words))


def _verb(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Take the verb out of the words: the first of them, or RELION's flag of that name anywhere."""
    if argv and argv[0] in VERBS:
        return argv[0], [*argv[1:]]
    flags = [word for word in argv if word.removeprefix("--") in VERBS and word.startswith("--")]
    if len(set(flags)) != 1:
        return None, [*argv]
    return flags[0].removeprefix("--"), [word for word in argv if word != flags[0]]


def usage() -> str:
    """List the verbs."""
    width = max(len(name) for name in VERBS)
    lines = [f"  {name:<{width}}  {what}" for name, what in VERBS.items()]
    return "usage: halfmap star VERB …\n\n" + "\n".join(lines) + "\n\nhalfmap star VERB --help tells more."
