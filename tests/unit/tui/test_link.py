import asyncio

import pytest

from halfmap.daemon.fake import FakeService
from halfmap.tui import link as linking
from halfmap.tui.link import Link


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(linking, "AGAIN_S", 0.02)
    monkeypatch.setattr(linking, "GATHER_S", 0.05)


def followed(service, story):
    """Follow a daemon while a story is told; give what was told on, and what was said of its absence."""
    changes, sayings = [], []

    async def main():
        link = Link(service, changes.append, sayings.append)
        following = asyncio.create_task(link.follow())
        await asyncio.sleep(0.02)
        await story(link)
        await asyncio.sleep(0.1)
        following.cancel()

    asyncio.run(main())
    return changes, sayings


def test_changes_that_come_together_are_told_once():
    service = FakeService()

    async def story(_link):
        for _ in range(20):
            service.add_job("/p")

    changes, sayings = followed(service, story)
    assert changes == [frozenset(range(1, 21))]
    assert sayings == []


def test_a_daemon_that_goes_is_told_once_and_its_return_too():
    service = FakeService()

    async def story(link):
        service.away = "no daemon answers"
        assert await link.ask(service.status) is None
        assert await link.ask(service.status) is None
        service.away = ""
        service.add_job("/p")

    changes, sayings = followed(service, story)
    assert sayings == ["no daemon answers", ""]
    assert frozenset() in changes


def test_a_daemon_that_is_not_there_at_first_is_found_when_it_comes():
    service = FakeService()
    service.away = "no daemon answers"

    async def story(_link):
        await asyncio.sleep(0.05)
        service.away = ""

    changes, sayings = followed(service, story)
    assert sayings == ["no daemon answers", ""]
    assert changes == [frozenset()]


def test_a_daemon_that_was_said_to_be_away_is_looked_for_until_it_answers():
    service = FakeService()

    async def story(link):
        link.is_away("the stream of events has ended")
        await asyncio.sleep(0.1)

    changes, sayings = followed(service, story)
    assert sayings == ["the stream of events has ended", ""]
    assert changes == [frozenset()]
