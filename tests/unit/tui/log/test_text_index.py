import random

from halfmap.tui.files.text_index import BLOCK, TextIndex, joined


def text_of(size, seed):
    chosen = random.Random(seed)
    return b"".join(b"x" * chosen.randrange(2000) + b"\n" for _ in range(size // 1000))


def place_of(index, data, number):
    block, how_manieth = index.find(number)
    place = block - 1
    for _ in range(how_manieth):
        place = data.index(b"\n", place + 1)
    return place


def test_every_line_end_is_found_however_the_text_came_in():
    data = text_of(300_000, 1)
    places = [at for at, one in enumerate(data) if one == 10]
    for step in (1000, BLOCK, BLOCK + 1, len(data)):
        index = TextIndex()
        for low in range(0, len(data), step):
            index.feed(data[low : low + step])
        assert index.size == len(data)
        assert index.line_ends == len(places)
        assert [place_of(index, data, number) for number in range(1, len(places) + 1)] == places


def test_head_and_tail_together_are_as_the_whole():
    data = text_of(400_000, 2)
    head, tail, whole = TextIndex(), TextIndex(2 * BLOCK), TextIndex()
    head.feed(data[: 2 * BLOCK])
    tail.feed(data[2 * BLOCK :])
    whole.feed(data)
    both = joined(head, tail)
    assert both.line_ends == whole.line_ends
    assert [both.find(number) for number in range(1, 300)] == [whole.find(number) for number in range(1, 300)]
    assert both.count_before(3 * BLOCK + 5) == whole.count_before(3 * BLOCK + 5)


def test_a_text_without_line_ends_has_none():
    index = TextIndex()
    index.feed(b"x" * (3 * BLOCK))
    index.feed(b"")
    assert index.line_ends == 0
