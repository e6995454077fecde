"""What was seen before: kept over a restart, bounded, begun anew when broken."""

from __future__ import annotations

import stat
from pathlib import Path

from alfred_dev.dashboard.history import KEPT_S, History, Sample


def sample(at: int, service: str = "redis") -> Sample:
    return Sample(at, service, "healthy", 1.5, None, None, 7_000_000, 0.01)


def test_it_is_kept_over_a_restart_and_is_this_users_alone(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    History(file).add([sample(100), sample(101, "gateway")], 101.0)
    assert History(file).since(101) == [sample(101, "gateway")]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_forgets(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    history.add([sample(100)], 100.0)
    history.add([sample(200 + KEPT_S)], 200.0 + KEPT_S)
    assert history.since(0) == [sample(200 + KEPT_S)]


def test_a_broken_file_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"no database" * 1000)
    history = History(file)
    history.add([sample(1)], 1.0)
    assert history.since(0) == [sample(1)]
