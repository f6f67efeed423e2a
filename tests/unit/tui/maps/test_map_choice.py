from halfmap.daemon.client import IterationFiles, JobFiles
from halfmap.tui.files.map_choice import choose_map

FILES = JobFiles(
    iterations=(
        IterationFiles(iteration=1, half_maps=("/a1", "/b1")),
        IterationFiles(iteration=2, half_maps=("/a2", "")),
        IterationFiles(iteration=3, half_maps=("/a3", "/b3"), map="/m3", is_joined=True),
        IterationFiles(iteration=4),
    )
)


def test_the_latest_is_the_latest_that_has_a_map_and_the_joined_one_if_it_has_that():
    found = choose_map(FILES, None)
    assert (found.iteration, f"{found}", found.path, found.newest, found.trouble) == (3, "joined", "/m3", "/m3", "")


def test_greys_come_from_the_newest_map_of_the_same_kind_and_halves_of_the_joined_map_are_another_kind():
    found = choose_map(FILES, 1)
    assert (f"{found}", found.path, found.newest, found.kinds) == ("half 1", "/a1", "/a2", ("half 1", "half 2"))
    found = choose_map(FILES, 1, "half 2")
    assert (found.path, found.newest) == ("/b1", "/b1")
    found = choose_map(FILES, 3, "half 2")
    assert (f"{found}", found.path, found.newest) == ("half 2 unfiltered", "/b3", "/b3")


def test_a_map_that_is_not_there_is_told_and_another_is_shown():
    found = choose_map(FILES, 1, "joined")
    assert (found.path, found.trouble) == ("/a1", "Iteration 1 has no joined map; this is half 1.")
    found = choose_map(FILES, 2, "half 2")
    assert (found.path, found.trouble) == ("/a2", "Iteration 2 has no map of half 2; this is half 1.")


def test_without_any_map_there_is_a_sentence():
    assert choose_map(FILES, 4).trouble == "Iteration 4 has no map."
    assert choose_map(FILES, 9).trouble == "Iteration 9 has no map."
    assert choose_map(JobFiles(), None).trouble == "No map has been written yet."
    assert choose_map(JobFiles(trouble="The folder is gone."), None).trouble == "The folder is gone."
