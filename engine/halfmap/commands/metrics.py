"""``halfmap metrics``: figures for Prometheus."""

import json
import math
from collections.abc import Sequence

from halfmap.commands.queue.talking import Code, make_parser, talk
from halfmap.daemon.client import Client


def main(argv: Sequence[str]) -> int:
    """Print the metrics."""
    options = make_parser(
        "metrics", "Print the daemon's metrics in Prometheus' text format; with --json as one object."
    ).parse_args(argv)

    async def story(client: Client) -> int:
        text = await client.metrics()
        print(json.dumps(_values(text)) if options.json else text, end="\n" if options.json else "")
        return Code.DONE

    return talk(story)


def _values(text: str) -> dict[str, float | None]:
    """Read the samples: name, with its labels, to value; what is no number in JSON is None."""
    samples = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value if math.isfinite(value := float(word)) else None for name, _, word in samples}
