"""What Redis says of a folder that it cannot use."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from alfred_dev.embedded import redis
from alfred_dev.embedded.refused import RefusedError


@pytest.mark.parametrize(("flag", "says"), [(1, "Read-only file system"), (0, "belongs to user")])
def test_a_read_only_disk_is_not_a_wrong_owner(
    flag: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "umask", lambda _: None)  # this process runs other tests too
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flag))
    with pytest.raises(RefusedError, match=says):
        redis._prepare(tmp_path / "redis")
