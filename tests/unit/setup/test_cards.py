"""Which rank computes on which card."""

from types import SimpleNamespace

import pytest

from halfmap.contract.refine_arguments import RefineArguments
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.errors import BadInput
from halfmap.engine.ranks.alone import Alone
from halfmap.engine.setup import cards as setup_cards
from halfmap.engine.setup.cards import MachineCards, backend_of_rank, cards_here, cards_of_ranks

FOUR = MachineCards(("0", "1", "2", "3"), ("1", "3"))


class DriverError(Exception):
    """What the library raises."""


def driver(count, busy=(), error=None):
    """A library that tells of some cards."""

    def start():
        if error:
            raise DriverError(error)

    def processes(handle):
        if handle == "unknown":
            raise DriverError("not supported")
        return ["somebody"] if handle in busy else []

    return SimpleNamespace(
        NVMLError=DriverError,
        nvmlInit=start,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: count,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetHandleByUUID=lambda uuid: uuid.decode(),
        nvmlDeviceGetComputeRunningProcesses=processes,
    )


@pytest.mark.parametrize(
    ("environment", "visible", "free"),
    [
        ({}, ("0", "1", "2"), ("0", "2")),
        ({"CUDA_VISIBLE_DEVICES": "2,1"}, ("2", "1"), ("2",)),
        ({"CUDA_VISIBLE_DEVICES": "GPU-7,unknown"}, ("GPU-7", "unknown"), ("GPU-7", "unknown")),
        ({"CUDA_VISIBLE_DEVICES": ""}, (), ()),
    ],
)
def test_cards_are_counted_as_cuda_counts_them(monkeypatch, environment, visible, free):
    monkeypatch.setattr(setup_cards, "pynvml", driver(3, busy=(1,)))
    assert cards_here(environment) == MachineCards(visible, free)


def test_without_a_driver_there_are_no_cards(monkeypatch):
    monkeypatch.setattr(setup_cards, "pynvml", driver(3, error="no library"))
    assert cards_here({}) == MachineCards((), ())


def test_the_leader_has_no_card_and_free_cards_are_shared_out_on_each_machine():
    hosts = ["a", "a", "a", "b", "b"]
    cards = [FOUR, FOUR, FOUR, MachineCards(("0",), ("0",)), MachineCards(("0",), ("0",))]
    assert cards_of_ranks("", hosts, cards) == [None, "1", "3", "0", "0"]


@pytest.mark.parametrize(
    ("asked", "size", "expected"),
    [
        ("0:2", 3, [None, "0", "2"]),
        ("2", 3, [None, "2", "2"]),
        ("3", 1, ["3"]),
        ("1:0:1", 5, [None, "1", "0", "1", "1"]),
    ],
)
def test_named_cards_are_used_in_turn_whoever_else_does(asked, size, expected):
    assert cards_of_ranks(asked, ["a"] * size, [FOUR] * size) == expected


@pytest.mark.parametrize(
    ("asked", "cards", "told"),
    [
        ("", MachineCards((), ()), "the driver tells of no NVIDIA card here"),
        ("4", FOUR, "there is no card 4; the last of 4 is card 3"),
        ("1", MachineCards(("0",), ()), "there is no card 1; the only one is card 0"),
        ("", MachineCards(("0", "1"), ()), r"others compute on all cards \(0, 1\); name cards"),
    ],
)
def test_what_cannot_be_used_is_named(asked, cards, told):
    with pytest.raises(BadInput, match=told):
        cards_of_ranks(asked, ["a"], [cards])


def test_cores_compute_where_no_card_is_asked_for():
    found = backend_of_rank(RefineArguments(threads=3), Alone())
    assert isinstance(found, CpuBackend)
    assert found.device.threads == 3


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(setup_cards, "has_cupy", lambda: False)
    with pytest.raises(BadInput, match=r"--gpu needs CuPy: pip install 'halfmap\[cuda12\]'"):
        backend_of_rank(RefineArguments(gpu=""), Alone())


def test_a_rank_sees_only_its_card(monkeypatch):
    made = []
    monkeypatch.setattr(setup_cards, "pynvml", driver(2, busy=(0,)))
    monkeypatch.setattr(setup_cards, "has_cupy", lambda: True)
    monkeypatch.setattr(setup_cards, "backend", lambda *settings: made.append(settings) or CpuBackend())
    # set here, so that what the rank sets does not stay for the tests after this one
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    backend_of_rank(RefineArguments(gpu="", gpu_precision="bf16", free_gpu_memory_mb=500, threads=2), Alone())
    assert setup_cards.os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    assert setup_cards.os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert made == [(2, setup_cards.CardSettings(setup_cards.Precision.BF16, 500))]
