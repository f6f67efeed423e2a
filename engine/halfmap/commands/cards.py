"""``halfmap cards``: what the cards do, and who has them."""

from collections.abc import Sequence

from halfmap.commands.queue.printing import as_json, print_note, print_table
from halfmap.commands.queue.talking import Code, make_parser, new_key, talk
from halfmap.daemon.client import CardRow, Client
from halfmap.tui.text.figures import figure

_HEADINGS = ("card", "name", "memory", "use", "power", "temperature", "state", "job", "reason", "uuid")


def main(argv: Sequence[str]) -> int:
    """List the cards, or take one out of quarantine."""
    parser = make_parser("cards", "List the cards: what they do, and who has them.")
    parser.add_argument(
        "--clean", metavar="UUID", help="after looking at it: take a card out of quarantine, or give up a dirty lease"
    )
    options = parser.parse_args(argv)

    async def story(client: Client) -> int:
        if options.clean is not None:
            cards = [await client.clean_card(options.clean, new_key())]
        else:
            cards = await client.cards()
        if options.json:
            print(as_json(cards))
            return Code.DONE
        print_table(_HEADINGS, [_cells(card) for card in cards])
        host = await client.host()
        if host.cards_problem:
            print_note(host.cards_problem)
        print(
            f"{host.host}: {host.cores_leased} of {host.cores} cores and {host.memory_leased_mb / 1024:.1f} of "
            f"{host.memory_mb / 1024:.1f} GB memory are used by running jobs"
        )
        return Code.DONE

    return talk(story)


def _cells(card: CardRow) -> tuple[str, ...]:
    return (
        f"{card.index}",
        card.name,
        f"{card.memory_used_mb / 1024:.1f} of {card.memory_total_mb / 1024:.1f} GB",
        figure(card.utilisation, "%", 0),
        figure(card.power_w, "W", 0),
        figure(card.temperature_c, "°C", 0),
        card.state,
        "" if card.leased_to is None else f"{card.leased_to}",
        card.reason,
        card.uuid,
    )
