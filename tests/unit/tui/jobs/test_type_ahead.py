import asyncio
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input, Static

from halfmap.tui.terminal.type_ahead import TypeAheadApp


class Form(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "delete", "delete")]
    AUTO_FOCUS = "Input"

    def compose(self) -> ComposeResult:
        yield Static("form")
        yield Input()

    def action_delete(self) -> None:
        self.app.deleted = True  # type: ignore[attr-defined]


class Quick(TypeAheadApp):
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "form", "form"),
        Binding("slash", "type", "type"),
        Binding("a", "note('a')", "a"),
        Binding("z", "slow", "slow"),
    ]
    deleted = False

    def __init__(self) -> None:
        super().__init__()
        self.noted = ""

    def compose(self) -> ComposeResult:
        yield Static("list")
        line = Input()
        line.display = False
        yield line

    def action_form(self) -> None:
        self.push_screen(Form())

    def action_type(self) -> None:
        self.query_one(Input).display = True
        self.query_one(Input).focus()

    def action_note(self, key: str) -> None:
        self.noted += key

    async def action_slow(self) -> None:
        await asyncio.sleep(0.7)


def type_at_once(app: Quick, text: str) -> None:
    """As a terminal hands over what comes in one go."""
    for one in text:
        key = {"/": "slash"}.get(one, one)
        app.post_message(events.Key(key, one))


def test_what_follows_the_key_that_opens_a_line_is_typed_into_it() -> None:
    async def story() -> None:
        app = Quick()
        async with app.run_test() as pilot:
            type_at_once(app, "a/aab")
            await pilot.pause(0.2)
            assert app.query_one(Input).value == "aab"
            assert app.noted == "a"

    asyncio.run(story())


def test_what_follows_the_key_that_opens_a_screen_is_typed_into_that_screen() -> None:
    async def story() -> None:
        app = Quick()
        async with app.run_test() as pilot:
            type_at_once(app, "wdata")
            await pilot.pause(0.3)
            assert app.screen.query_one(Input).value == "data"
            assert not app.deleted

    asyncio.run(story())


def test_what_is_pasted_keeps_its_place_among_the_keys() -> None:
    async def story() -> None:
        app = Quick()
        async with app.run_test() as pilot:
            type_at_once(app, "w")
            app.post_message(events.Paste("/data/hiv"))
            type_at_once(app, "2")
            await pilot.pause(0.3)
            assert app.screen.query_one(Input).value == "/data/hiv2"

    asyncio.run(story())


def test_a_key_that_takes_long_holds_the_next_back_and_none_is_lost() -> None:
    async def story() -> None:
        app = Quick()
        async with app.run_test() as pilot:
            type_at_once(app, "zaaa")
            await pilot.pause(1.2)
            assert app.noted == "aaa"

    asyncio.run(story())
