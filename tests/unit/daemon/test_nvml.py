"""What is read of cards: from the driver, by a stand-in for its library, and from a file."""

import json
import os
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pynvml
import pytest

from halfmap.daemon.card_processes import command_of, user_of
from halfmap.daemon.cards import Card, CardProcess, CardsUnreadable, judge
from halfmap.daemon.nvml import FakeNvml, NoCards, Nvml, card_reader, write_fake

MB = 2**20


def error(code: int) -> pynvml.NVMLError:
    return pynvml.NVMLError(code)


class Device(SimpleNamespace):
    """A card, or an instance: answers by the name of the function; what it has no answer for is not supported."""


class Library:
    """Stands in for `pynvml`: its own constants and errors, and these devices."""

    def __init__(self, *devices: Device) -> None:
        self.devices = list(devices)
        self.events: list[SimpleNamespace] = []
        self.registered: list[object] = []
        self.init_error = self.count_error = 0
        self.begun = 0

    def __getattr__(self, name: str):
        real = getattr(pynvml, name)  # so that a name that the library does not have is noticed
        if not name.startswith("nvmlDevice"):
            return real

        def ask(device: Device, *arguments):
            answer = getattr(device, name.removeprefix("nvmlDevice"), pynvml.NVML_ERROR_NOT_SUPPORTED)
            if isinstance(answer, int) and name not in ANSWERED_BY_INTEGER:
                raise error(answer)
            if isinstance(answer, pynvml.NVMLError):
                raise answer
            return answer(*arguments) if callable(answer) else answer

        return ask

    def nvmlInit(self) -> None:  # noqa: N802
        self.begun += 1
        if self.init_error:
            raise error(self.init_error)

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        if self.count_error:
            raise error(self.count_error)
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Device:  # noqa: N802
        return self.devices[index]

    def nvmlEventSetCreate(self) -> object:  # noqa: N802
        return "events"

    def nvmlDeviceRegisterEvents(self, device: Device, kinds: int, events: object) -> None:  # noqa: N802
        assert (kinds, events) == (pynvml.nvmlEventTypeXidCriticalError, "events")
        self.registered.append(device)

    def nvmlEventSetWait_v2(self, events: object, timeout_ms: int) -> SimpleNamespace:  # noqa: N802
        assert timeout_ms == 0
        if not self.events:
            raise error(pynvml.NVML_ERROR_TIMEOUT)
        return self.events.pop(0)


ANSWERED_BY_INTEGER = {
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetCurrentClocksThrottleReasons",
    "nvmlDeviceGetMaxMigDeviceCount",
}


def memory(total_mb: float, used_mb: float) -> SimpleNamespace:
    return SimpleNamespace(total=int(total_mb * MB), used=int(used_mb * MB))


def process(pid: int, used_mb: float | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=None if used_mb is None else int(used_mb * MB))


def device(uuid: str, **answers) -> Device:
    """A card that supports nothing but what is given."""
    integers = {
        f"Get{name}": pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        for name in (
            "PowerUsage",
            "Temperature",
            "TotalEccErrors",
            "CurrentClocksEventReasons",
            "CurrentClocksThrottleReasons",
            "MaxMigDeviceCount",
        )
    }
    return Device(**(integers | {"GetUUID": uuid} | answers))


def full(uuid: str, **answers) -> Device:
    """A card that supports all that is asked for, and is well."""
    known = {
        "GetName": "NVIDIA A100",
        "GetMemoryInfo": memory(40960, 1500),
        "GetPowerUsage": 61500,
        "GetUtilizationRates": SimpleNamespace(gpu=37, memory=5),
        "GetTemperature": lambda sensor: {pynvml.NVML_TEMPERATURE_GPU: 55}[sensor],
        "GetComputeRunningProcesses_v3": [],
        "GetMPSComputeRunningProcesses_v3": [],
        "GetGraphicsRunningProcesses_v3": [],
        "GetRemappedRows": (3, 0, 0, 0),
        "GetTotalEccErrors": lambda kind, counter: {
            (pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC): 0
        }[kind, counter],
        "GetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonSwPowerCap,
        "GetMigMode": [0, 0],
    }
    return device(uuid, **(known | answers))


def xid(of: Device, number: int) -> SimpleNamespace:
    return SimpleNamespace(device=of, eventType=pynvml.nvmlEventTypeXidCriticalError, eventData=number)


def test_a_card_is_read_with_its_values_in_mb_w_percent_and_degrees():
    (card,) = Nvml(Library(full("GPU-a"))).read()
    assert card == Card("GPU-a", 0, "NVIDIA A100", 40960.0, 1500.0, 61.5, 37.0, 55)


def test_what_a_card_does_not_support_is_not_known_and_no_defect():
    nvml = Nvml(Library(device("GPU-a")))
    (card,) = nvml.read()
    assert card == Card("GPU-a", 0)
    assert nvml.problem == ""
    assert judge(card, None, {}, False, 0).state == "free"


def test_compute_mps_and_graphics_processes_are_told_apart():
    me = os.getpid()
    answers = {
        "GetComputeRunningProcesses_v3": [process(me, 1024)],
        "GetMPSComputeRunningProcesses_v3": [process(2**22 + 1, None)],
        "GetGraphicsRunningProcesses_v3": [process(me, 10), process(2**22 + 2, 64)],
    }
    (card,) = Nvml(Library(full("GPU-a", **answers))).read()
    assert card.processes == (
        CardProcess(me, user_of(me), command_of(me), 1024.0),
        CardProcess(2**22 + 1, memory_mb=None),
        CardProcess(2**22 + 2, memory_mb=64.0, kind="graphics"),
    )
    assert user_of(me)


def test_an_old_driver_s_list_of_processes_is_read():
    old = device("GPU-a", GetComputeRunningProcesses_v2=[process(2**22 + 1, 512)])
    old.GetComputeRunningProcesses_v3 = pynvml.NVML_ERROR_FUNCTION_NOT_FOUND
    (card,) = Nvml(Library(old)).read()
    assert card.processes == (CardProcess(2**22 + 1, memory_mb=512.0),)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"GetTotalEccErrors": 2}, "2 uncorrected memory errors"),
        ({"GetRemappedRows": (0, 1, 1, 0)}, "defective rows of its memory wait for a reset to be replaced"),
        ({"GetRemappedRows": (0, 1, 0, 1)}, "defective rows of its memory could not be replaced"),
        (
            {"GetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonHwThermalSlowdown},
            "it is too hot and slows down (hardware)",
        ),
        (
            {"GetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonSwThermalSlowdown},
            "it is too hot and slows down (driver)",
        ),
        (
            {"GetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown},
            "its power supply makes it slow down",
        ),
        ({"GetCurrentClocksEventReasons": pynvml.nvmlClocksEventReasonHwSlowdown}, "its hardware slows it down"),
    ],
)
def test_what_the_driver_says_of_a_card_s_health_is_said_in_words(answers, words):
    (card,) = Nvml(Library(full("GPU-a", **answers))).read()
    assert card.health == (words,)


def test_xids_are_kept_with_the_card_they_came_from():
    first, second = full("GPU-a"), full("GPU-b")
    library = Library(first, second)
    nvml = Nvml(library)
    assert [card.health for card in nvml.read()] == [(), ()]
    library.events = [xid(second, 48), xid(second, 31), xid(first, 13)]
    seen = [(), ("a double-bit memory error (XID 48)",)]
    assert [card.health for card in nvml.read()] == seen
    assert [card.health for card in nvml.read()] == seen
    assert library.registered == [first, second]


def test_an_xid_of_a_card_that_is_lost_does_not_hide_those_of_others():
    lost, other = full("GPU-a"), full("GPU-b")
    library = Library(lost, other)
    nvml = Nvml(library)
    nvml.read()
    lost.GetUUID = pynvml.NVML_ERROR_GPU_IS_LOST
    library.events = [xid(lost, 79), xid(other, 74)]
    assert nvml.read()[1].health == ("an error of its NVLink (XID 74)",)


def test_other_events_are_no_xids():
    card = full("GPU-a")
    library = Library(card)
    nvml = Nvml(library)
    library.events = [SimpleNamespace(device=card, eventType=pynvml.nvmlEventMigConfigChange, eventData=79)]
    assert nvml.read()[0].health == ()


def divided(*parts: Device, **answers) -> Device:
    """A card with three places for instances, the middle one empty."""
    places = [parts[0], None, *parts[1:]]

    def at(index: int) -> Device:
        if index >= len(places) or places[index] is None:
            raise error(pynvml.NVML_ERROR_NOT_FOUND)
        return places[index]

    return full("GPU-a", GetMigMode=[1, 1], GetMaxMigDeviceCount=7, GetMigDeviceHandleByIndex=at, **answers)


def test_instances_of_a_divided_card_are_cards_of_their_own():
    parts = (
        device("MIG-1", GetMemoryInfo=memory(9728, 12), GetName="NVIDIA A100 MIG 2g.10gb"),
        device("MIG-2", GetMemoryInfo=memory(4864, 4000), GetComputeRunningProcesses_v3=[process(2**22 + 1, 3900)]),
    )
    whole, first, second = Nvml(Library(divided(*parts))).read()
    assert (whole.uuid, whole.is_divided, whole.mig_parent) == ("GPU-a", True, "")
    assert first == Card(
        "MIG-1", 0, "NVIDIA A100 MIG 2g.10gb", 9728.0, 12.0, temperature_c=55, mig_parent="GPU-a", instance=0
    )
    assert (second.mig_parent, second.instance, second.label) == ("GPU-a", 2, "card 0 instance 2")
    states = [judge(card, None, {}, False, 0).state for card in (whole, first, second)]
    assert states == ["busy", "free", "busy"]


def test_a_defect_of_a_divided_card_is_one_of_its_instances():
    cards = Nvml(Library(divided(device("MIG-1"), GetTotalEccErrors=1))).read()
    assert [judge(card, None, {}, False, 0).state for card in cards] == ["quarantined", "quarantined"]


def test_an_instance_that_is_taken_down_while_it_is_read_is_left_out():
    part = device("MIG-1")
    part.GetUUID = pynvml.NVML_ERROR_NOT_FOUND
    assert [card.uuid for card in Nvml(Library(divided(part))).read()] == ["GPU-a"]


@pytest.mark.parametrize("where", ["GetUUID", "GetMemoryInfo", "GetComputeRunningProcesses_v3"])
def test_a_card_that_vanishes_is_lost_and_the_others_are_read(where):
    first = full("GPU-a", GetComputeRunningProcesses_v3=[process(os.getpid(), 100)])
    nvml = Nvml(Library(first, full("GPU-b")))
    before = nvml.read()
    setattr(first, where, pynvml.NVML_ERROR_GPU_IS_LOST)
    after = nvml.read()
    assert after == [replace(before[0], is_lost=True, processes=()), before[1]]
    assert nvml.problem == "card 0 does not answer (GPU is lost)"
    assert judge(after[0], None, {}, False, 0).state == "gone"
    delattr(first, where)
    setattr(first, where, {"GetUUID": "GPU-a", "GetMemoryInfo": memory(40960, 1500)}.get(where, []))
    assert not nvml.read()[0].is_lost
    assert nvml.problem == ""


def test_a_card_that_needs_a_reset_is_not_taken_for_one_that_supports_little():
    card = full("GPU-a")
    nvml = Nvml(Library(card))
    nvml.read()
    card.GetComputeRunningProcesses_v3 = pynvml.NVML_ERROR_RESET_REQUIRED
    assert [card.is_lost for card in nvml.read()] == [True]


def test_a_card_that_never_answered_is_told_of():
    broken = full("GPU-a")
    broken.GetUUID = pynvml.NVML_ERROR_UNKNOWN
    nvml = Nvml(Library(broken, full("GPU-b")))
    assert [card.uuid for card in nvml.read()] == ["GPU-b"]
    assert nvml.problem == "card 0 does not answer (Unknown Error)"


def test_a_driver_that_goes_away_and_comes_back_is_opened_again():
    library = Library(full("GPU-a"))
    nvml = Nvml(library)
    nvml.read()
    library.count_error = pynvml.NVML_ERROR_UNINITIALIZED
    with pytest.raises(CardsUnreadable, match="the NVIDIA driver cannot be used"):
        nvml.read()
    library.init_error = pynvml.NVML_ERROR_DRIVER_NOT_LOADED
    with pytest.raises(CardsUnreadable, match="Driver Not Loaded"):
        nvml.read()
    library.count_error = library.init_error = 0
    assert [card.uuid for card in nvml.read()] == ["GPU-a"]
    assert len(library.registered) == 2  # events of the old connection no longer come
    assert library.begun == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "this machine has no NVIDIA driver"),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "replaced while it was in use; restart the machine"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, r"cannot be used \(Driver Not Loaded\)"),
    ],
)
def test_a_machine_without_a_driver_has_no_cards_and_says_why(code, words):
    library = Library()
    library.init_error = code
    reader = card_reader({}, library)
    assert isinstance(reader, NoCards)
    assert reader.read() == []
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(reader.problem)


def test_a_machine_with_a_driver_is_read_through_it():
    reader = card_reader({}, Library(full("GPU-a")))
    assert isinstance(reader, Nvml)


def test_a_file_is_read_instead_where_the_environment_names_one(tmp_path):
    write_fake(tmp_path / "cards.json", 2)
    reader = card_reader({"HALFMAP_NVML": str(tmp_path / "cards.json")}, Library(full("GPU-a")))
    assert [card.uuid for card in reader.read()] == ["GPU-0", "GPU-1"]


def test_a_relative_path_of_a_file_is_refused_because_jobs_run_elsewhere():
    reader = card_reader({"HALFMAP_NVML": "cards.json"})
    assert reader.read() == []
    assert "not an absolute path" in reader.problem


# --- the file ---------------------------------------------------------------------------------------------------------


def read(path, document) -> list[Card]:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return FakeNvml(path).read()


def test_cards_that_were_written_are_read(tmp_path):
    cards = [
        Card(
            "GPU-a", 0, "A", 1000.0, 900.0, 50.0, 99.0, 70.0, (CardProcess(1, "anna", "relion", 5.0),), ("it is hot",)
        ),
        Card("GPU-b", 1, "B", 1000.0, is_divided=True),
        Card("MIG-b", 1, "B part", 500.0, 1.0, mig_parent="GPU-b", instance=3),
        Card("GPU-c", 2, is_lost=True, processes=(CardProcess(2, "", "", None, "graphics"),)),
    ]
    write_fake(tmp_path / "cards.json", cards)
    assert FakeNvml(tmp_path / "cards.json").read() == cards


def test_a_file_is_read_anew_at_each_reading(tmp_path):
    path = tmp_path / "cards.json"
    write_fake(path, 1)
    fake = FakeNvml(path)
    assert len(fake.read()) == 1
    write_fake(path, 3)
    assert len(fake.read()) == 3


def test_what_is_left_out_of_a_file_has_its_default(tmp_path):
    found = read(tmp_path / "f", {"cards": [{"uuid": "GPU-x"}, {"uuid": "GPU-y", "processes": [{"pid": os.getpid()}]}]})
    me = CardProcess(os.getpid(), user_of(os.getpid()), command_of(os.getpid()))
    assert found == [
        Card("GPU-x", 0, "fake card", 24576.0),
        Card("GPU-y", 1, "fake card", 24576.0, processes=(me,)),
    ]


def test_memory_in_use_is_that_of_the_processes_unless_a_file_says_otherwise(tmp_path):
    processes = [{"pid": 1, "memory_mb": 100}, {"pid": 2, "memory_mb": 20}, {"pid": 3}]
    assert read(tmp_path / "f", {"cards": [{"uuid": "a", "processes": processes}]})[0].memory_used_mb == 120.0


def test_xids_in_a_file_are_judged_as_the_driver_s(tmp_path):
    (card,) = read(tmp_path / "f", {"cards": [{"uuid": "a", "health": ["it smells"], "xids": [79, 13]}]})
    assert card.health == ("it smells", "it fell off the bus (XID 79)")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "what it holds is not an object"),
        ({}, "it has no cards"),
        ({"cards": {}}, "cards of what it holds is {}, which is no list"),
        ({"cards": [], "crads": 1}, "fields that are not known: crads; known are cards"),
        ({"cards": [7]}, "card 0 is not an object"),
        ({"cards": [{}]}, "card 0 has no uuid"),
        ({"cards": [{"uuid": "a", "memory": 1, "power": 2}]}, "card 0 has fields that are not known: memory, power;"),
        ({"cards": [{"uuid": "a", "index": True}]}, "index of card 0 is True, which is no whole number"),
        ({"cards": [{"uuid": "a", "index": 1.5}]}, "index of card 0 is 1.5, which is no whole number"),
        ({"cards": [{"uuid": "a", "is_lost": 1}]}, "is_lost of card 0 is 1, which is no truth"),
        ({"cards": [{"uuid": "a", "memory_used_mb": None}]}, "memory_used_mb of card 0 is None"),
        ({"cards": [{"uuid": "a", "power_w": -1}]}, "power_w of card 0 is -1, which is below 0"),
        ({"cards": [{"uuid": "a", "xids": ["79"]}]}, "xids of card 0 is '79'"),
        ({"cards": [{"uuid": "a", "health": [1]}]}, "health of card 0 is 1"),
        ({"cards": [{"uuid": "a"}, {"uuid": "a"}]}, "two cards have the UUID a"),
        ({"cards": [{"uuid": "a", "mig_parent": "b", "instance": 0}]}, "names no card of the file: b"),
        ({"cards": [{"uuid": "a", "instance": 0}]}, "needs both mig_parent and instance"),
        ({"cards": [{"uuid": "a", "processes": [{"user": "b"}]}]}, "a process of card 0 has no pid"),
        ({"cards": [{"uuid": "a", "processes": [{"pid": 1, "gpu": 1}]}]}, "a process of card 0 has fields"),
        ({"cards": [{"uuid": "a", "processes": [{"pid": 1, "kind": "C"}]}]}, "it is compute or graphics"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path, document, words):
    with pytest.raises(CardsUnreadable) as raised:
        read(tmp_path / "f", document)
    assert str(raised.value).startswith(f"{tmp_path / 'f'}, which $HALFMAP_NVML names, is wrong: ")
    assert words in str(raised.value)


@pytest.mark.parametrize("text", ['{"cards": [{"uu', "", '{"cards": [{"uuid": "a", "power_w": NaN}]}'])
def test_a_file_that_stays_half_written_makes_the_cards_unreadable(tmp_path, text):
    with pytest.raises(CardsUnreadable, match="it is not whole JSON"):
        read(tmp_path / "f", text)


def test_a_file_that_is_not_there_makes_the_cards_unreadable(tmp_path):
    with pytest.raises(CardsUnreadable, match="No such file"):
        FakeNvml(tmp_path / "f").read()


def test_a_file_that_is_being_written_is_read_again(tmp_path):
    path = tmp_path / "f"
    path.write_text('{"cards": [')

    def finish() -> None:
        time.sleep(0.03)
        write_fake(path, 2)

    writer = threading.Thread(target=finish)
    writer.start()
    assert len(FakeNvml(path).read()) == 2
    writer.join()


def test_names_in_a_file_drive_no_terminal(tmp_path):
    process_ = {"pid": 1, "user": "\x1b[2J", "command": "a\nb"}
    (card,) = read(tmp_path / "f", {"cards": [{"uuid": "a", "processes": [process_]}]})
    assert card.processes[0] == CardProcess(1, "?[2J", "a?b")
