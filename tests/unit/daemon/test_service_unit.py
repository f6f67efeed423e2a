"""The unit says what the daemon needs of systemd, and systemd understands it."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from halfmap.daemon.service_unit import Installed, has_user_systemd, install, notify, unit_text

COMMAND = ("/opt/half map/bin/python", "-m", "halfmap", "100%", "$HOME", 'a"b\\c')


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_unit_keeps_running_jobs_apart_from_the_daemon():
    found = lines(unit_text(("/usr/bin/python", "-m", "halfmap"), {}))
    for line in (
        "Type=notify",
        "ExecStart=/usr/bin/python -m halfmap",
        "KillMode=process",
        "Restart=on-failure",
        "WatchdogSec=30",
        "OOMPolicy=continue",
        "WantedBy=default.target",
    ):
        assert line in found


def test_words_and_variables_are_quoted_for_systemd():
    found = lines(unit_text(COMMAND, {"HALFMAP_STATE_DIR": "/data/my state/50%", "A": "b"}))
    assert r'ExecStart="/opt/half map/bin/python" -m halfmap 100%% "$$HOME" "a\"b\\c"' in found
    assert 'Environment="HALFMAP_STATE_DIR=/data/my state/50%%"' in found
    assert "Environment=A=b" in found


def test_a_line_end_cannot_smuggle_a_setting_in():
    with pytest.raises(ValueError, match="cannot stand in a unit"):
        unit_text(("/usr/bin/python",), {"A": "b\nExecStart=/bin/evil"})


def test_systemd_finds_no_fault_with_the_unit(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "half map"
    program.symlink_to("/bin/true")
    unit = tmp_path / "halfmap.service"
    unit.write_text(unit_text((str(program), "50%", "$HOME"), {"HALFMAP_STATE_DIR": "/data/my state/50%"}))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    checked = subprocess.run(
        [analyze, "--user", "--man=no", "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    assert "halfmap.service" not in checked.stderr, checked.stderr
    unit.write_text(unit.read_text().replace("KillMode=process", "KillMode=nonsense"))
    checked = subprocess.run(
        [analyze, "--user", "--man=no", "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=60,
    )
    if "nonsense" not in checked.stderr:
        pytest.skip(f"systemd-analyze checks nothing here: {checked.stderr}")


def test_it_is_written_where_the_user_manager_looks(tmp_path, monkeypatch):
    monkeypatch.setattr("halfmap.daemon.service_unit._user", lambda: "anna")
    (tmp_path / "linger").mkdir()
    reload = ("systemctl", "--user", "daemon-reload")
    enable = ("systemctl", "--user", "enable", "--now", "halfmap.service")
    found = install("text", {"HOME": str(tmp_path)}, linger=tmp_path / "linger")
    unit = tmp_path / ".config/systemd/user/halfmap.service"
    assert found == Installed(unit, (reload, enable, ("loginctl", "enable-linger", "anna")))
    assert unit.read_text() == "text"
    (tmp_path / "linger/anna").touch()
    found = install("new", {"HOME": "/x", "XDG_CONFIG_HOME": str(tmp_path / ".config")}, linger=tmp_path / "linger")
    assert found == Installed(unit, (reload, enable))
    assert unit.read_text() == "new"


def test_a_user_manager_is_told_by_its_socket(tmp_path):
    booted = tmp_path / "system"
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    (tmp_path / "systemd").mkdir()
    assert not has_user_systemd(environ, booted)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as manager:
        manager.bind(str(tmp_path / "systemd/private"))
        assert not has_user_systemd(environ, booted)
        booted.mkdir()
        assert has_user_systemd(environ, booted)


def listener(address: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.bind(address)
    line.settimeout(5)
    return line


def test_systemd_is_told_over_its_socket(tmp_path: Path):
    path = str(tmp_path / "notify")
    with listener(path) as line:
        assert notify("READY=1\nSTATUS=3 jobs", {"NOTIFY_SOCKET": path})
        assert line.recv(100) == b"READY=1\nSTATUS=3 jobs"


def test_systemd_is_told_over_an_abstract_socket(tmp_path: Path):
    name = f"halfmap-test{tmp_path}"
    with listener(f"\0{name}") as line:
        assert notify("WATCHDOG=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert line.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/no/such"}, {"NOTIFY_SOCKET": "vsock:2:9"}])
def test_where_nobody_listens_nothing_is_told(environ):
    assert notify("READY=1", environ) is False


def test_a_listener_that_does_not_read_is_not_waited_for(tmp_path: Path):
    path = str(tmp_path / "notify")
    with listener(path):
        while notify("WATCHDOG=1", {"NOTIFY_SOCKET": path}):
            pass
