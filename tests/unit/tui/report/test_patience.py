import threading

from halfmap.tui.report import patience
from halfmap.tui.report.patience import told_if_long


def test_only_what_takes_long_is_told(monkeypatch) -> None:
    told, heard = [], threading.Event()
    with told_if_long(told.append, "soon done"):
        pass
    monkeypatch.setattr(patience, "PATIENCE_S", 0.01)
    with told_if_long(lambda words: (told.append(words), heard.set()), "takes long"):
        assert heard.wait(5)
    assert told == ["takes long"]
