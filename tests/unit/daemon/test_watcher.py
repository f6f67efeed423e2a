"""A change in a project raises a hint; where none can be raised, the reason is told."""

import asyncio
import errno
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from halfmap.daemon import folder_events
from halfmap.daemon.file_system import FileSystem
from halfmap.daemon.watcher import Patience, Watcher, Watching

EVENTS = Watching("events")
QUICK = Patience(canary_s=2.0, pause_s=0.02, apart_s=0.02)


@dataclass
class Scene:
    """A watcher and what it has hinted at."""

    watcher: Watcher
    hints: list[Path] = field(default_factory=list)

    async def attend(self, project: Path, *running: Path) -> Watching:
        return await asyncio.to_thread(self.watcher.attend, project, running)

    async def hint_after(self, project: Path, change: Callable[[], object]) -> bool:
        """Whether a change raises a hint; hints that were under way are waited for first."""
        await asyncio.sleep(0.1)
        self.hints.clear()
        change()
        end = time.monotonic() + 0.6
        while project not in self.hints and time.monotonic() < end:
            await asyncio.sleep(0.005)
        return project in self.hints


def play(story: Callable[[Scene], Awaitable[None]], patience: Patience = QUICK, **more: object) -> None:
    async def main() -> None:
        hints: list[Path] = []
        settings = {"environ": {}, **more}
        watcher = Watcher(asyncio.get_running_loop(), hints.append, patience=patience, **settings)  # type: ignore[arg-type]
        try:
            await story(Scene(watcher, hints))
        finally:
            watcher.close()

    asyncio.run(main())


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project/Refine3D/job001").mkdir(parents=True)
    (tmp_path / "project/halfmap/inbox").mkdir(parents=True)
    return tmp_path / "project"


def test_events_are_proved_by_a_canary_that_leaves_nothing_behind(project):
    async def story(scene: Scene) -> None:
        assert await scene.attend(project) == EVENTS
        assert scene.watcher.mode(project) == EVENTS

    play(story)
    assert names(project / "halfmap") == ["inbox"]


def test_changes_where_jobs_come_from_raise_a_hint(project):
    async def story(scene: Scene) -> None:
        await scene.attend(project)
        assert await scene.hint_after(project, lambda: (project / "default_pipeline.star").write_text("x"))
        assert await scene.hint_after(project, lambda: (project / ".pipeline_has_changed").touch())
        assert await scene.hint_after(project, lambda: (project / "Refine3D/job002").mkdir())
        assert await scene.hint_after(project, lambda: (project / "halfmap/inbox/job.star").write_text("x"))

    play(story)


def test_a_file_renamed_into_place_raises_a_hint(project):
    (project / ".pipeline.tmp").write_text("x")

    async def story(scene: Scene) -> None:
        await scene.attend(project)
        done = await scene.hint_after(
            project, lambda: (project / ".pipeline.tmp").rename(project / "default_pipeline.star")
        )
        assert done

    play(story)


def test_locks_half_written_files_and_reading_raise_none(project):
    (project / "default_pipeline.star").write_text("x")

    def nothing_new() -> None:
        (project / ".relion_lock").mkdir()
        (project / ".relion_lock").rmdir()
        (project / ".default_pipeline.star.ab12").write_text("half")
        (project / "default_pipeline.star").read_text()
        names(project / "Refine3D")

    async def story(scene: Scene) -> None:
        await scene.attend(project)
        assert not await scene.hint_after(project, nothing_new)

    play(story)


def test_only_running_jobs_folders_are_watched(project):
    job = project / "Refine3D/job001"

    async def story(scene: Scene) -> None:
        await scene.attend(project)
        assert not await scene.hint_after(project, lambda: (job / "run.out").write_text("a"))
        await scene.attend(project, job)
        assert await scene.hint_after(project, lambda: (job / "run.out").write_text("b"))
        await scene.attend(project)
        assert not await scene.hint_after(project, lambda: (job / "run.out").write_text("c"))

    play(story)


def test_folders_that_come_later_or_are_made_again_are_followed(tmp_path):
    refine = tmp_path / "Refine3D"

    async def story(scene: Scene) -> None:
        assert await scene.attend(tmp_path) == EVENTS
        assert await scene.hint_after(tmp_path, refine.mkdir)
        await scene.attend(tmp_path)
        assert await scene.hint_after(tmp_path, (refine / "job001").mkdir)
        (refine / "job001").rmdir()
        refine.rmdir()
        assert await scene.hint_after(tmp_path, refine.mkdir)
        await scene.attend(tmp_path)
        assert await scene.hint_after(tmp_path, (refine / "job002").mkdir)

    play(story)


def test_a_folder_that_is_a_link_is_watched_where_it_leads(tmp_path):
    (tmp_path / "disk/jobs").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    (tmp_path / "project/Refine3D").symlink_to("../disk/jobs")
    project = tmp_path / "project"

    async def story(scene: Scene) -> None:
        await scene.attend(project)
        assert await scene.hint_after(project, (tmp_path / "disk/jobs/job001").mkdir)

    play(story)


def test_two_names_of_one_project_are_told_apart_and_both_hinted_at(project, tmp_path):
    other = tmp_path / "link"
    other.symlink_to(project)

    async def story(scene: Scene) -> None:
        await scene.attend(project)
        await scene.attend(other)
        assert await scene.hint_after(other, lambda: (project / "a").touch())
        await asyncio.sleep(0.1)
        assert project in scene.hints
        scene.watcher.forget(other)
        assert await scene.hint_after(project, lambda: (project / "b").touch())
        assert other not in scene.hints

    play(story)


def test_a_forgotten_project_raises_no_hint(project):
    async def story(scene: Scene) -> None:
        await scene.attend(project)
        scene.watcher.forget(project)
        assert not await scene.hint_after(project, lambda: (project / "a").touch())
        assert scene.watcher.mode(project) == Watching("polling", "not looked at yet")

    play(story)


def test_a_burst_is_told_in_few_hints(project):
    def burst() -> None:
        for number in range(500):
            (project / f"file{number}").touch()

    async def story(scene: Scene) -> None:
        await scene.attend(project)
        began = time.monotonic()
        assert await scene.hint_after(project, burst)
        await asyncio.sleep(0.5)
        assert len(scene.hints) <= 1 + (time.monotonic() - began) / 0.2

    play(story, Patience(pause_s=0.1, apart_s=0.2))


def test_a_network_file_system_is_polled_by_name_and_not_touched(tmp_path):
    project = tmp_path / "project"
    project.mkdir()

    async def story(scene: Scene) -> None:
        found = await scene.attend(project)
        assert found == Watching("polling", f"{project} is on nfs4: other machines' changes raise no events")
        assert not await scene.hint_after(project, lambda: (project / "a").touch())

    play(story, kind_of=lambda path: FileSystem("nfs4"))
    assert names(project) == ["a"]


def test_a_job_folder_on_a_network_file_system_has_its_project_polled(project):
    job = project / "Refine3D/job001"

    async def story(scene: Scene) -> None:
        assert await scene.attend(project) == EVENTS
        assert (await scene.attend(project, job)).reason.startswith(f"{job} is on lustre")
        assert not await scene.hint_after(project, lambda: (project / "a").touch())
        assert await scene.attend(project) == EVENTS

    play(story, kind_of=lambda path: FileSystem("lustre" if path == job else "xfs"))


def test_events_that_do_not_arrive_are_not_waited_for_again_until_some_time_has_passed(project, monkeypatch):
    wanted = folder_events._EVENTS
    monkeypatch.setattr(folder_events, "_EVENTS", wanted[1:2])  # of the canary nothing is heard

    async def story(scene: Scene) -> None:
        found = await scene.attend(project)
        assert found.mode == "polling"
        assert found.reason.startswith("events do not arrive: none within 0.5 s of writing")
        monkeypatch.setattr(folder_events, "_EVENTS", wanted)
        assert await scene.attend(project) == found
        await asyncio.sleep(1.1)
        assert await scene.attend(project) == EVENTS

    play(story, Patience(canary_s=0.5, retry_s=1.0))


def test_the_setting_that_turns_events_off_is_named_as_the_reason(project):
    async def story(scene: Scene) -> None:
        assert await scene.attend(project) == Watching("polling", "HALFMAP_INOTIFY=off")
        assert not await scene.hint_after(project, lambda: (project / "a").touch())

    play(story, environ={"HALFMAP_INOTIFY": "off"})


def test_a_project_that_is_not_there_is_polled_until_it_is(tmp_path):
    async def story(scene: Scene) -> None:
        found = await scene.attend(tmp_path / "later")
        assert found == Watching("polling", f"{tmp_path}/later is not there, or cannot be read")
        (tmp_path / "later").mkdir()
        assert await scene.attend(tmp_path / "later") == EVENTS

    play(story)


def test_a_project_where_no_canary_can_be_written_is_polled(project):
    (project / "halfmap/inbox").rmdir()
    (project / "halfmap").rmdir()
    (project / "halfmap").write_text("a file")

    async def story(scene: Scene) -> None:
        found = await scene.attend(project)
        assert found.mode == "polling"
        assert found.reason == (
            f"{project}/halfmap cannot be written (File exists), so it cannot be tried whether events arrive"
        )

    play(story)


@pytest.mark.parametrize(
    ("number", "sysctl"),
    [(errno.ENOSPC, "fs.inotify.max_user_watches"), (errno.EMFILE, "fs.inotify.max_user_instances")],
)
def test_a_limit_of_the_kernel_names_its_setting(project, monkeypatch, number, sysctl):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "inotify limit reached")

    async def story(scene: Scene) -> None:
        with monkeypatch.context() as full:
            full.setattr(folder_events.InotifyObserver, "schedule", refuse)
            found = await scene.attend(project)
        assert found.mode == "polling"
        assert sysctl in found.reason
        assert await scene.attend(project) == EVENTS

    play(story)


def test_without_an_inotify_instance_everything_is_polled(project, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(folder_events, "InotifyObserver", refuse)

    async def story(scene: Scene) -> None:
        assert "fs.inotify.max_user_instances" in (await scene.attend(project)).reason

    play(story)
