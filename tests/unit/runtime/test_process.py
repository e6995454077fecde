"""A supervisord that cannot answer is not waited for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from alfred_dev.host import processes
from alfred_dev.runtime import keeper
from alfred_dev.runtime.keeper import Keeper
from alfred_dev.runtime.process import ProcessRuntime
from alfred_dev.workspace import Workspace


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)


def test_a_stopped_process_is_frozen_until_it_goes_on(sleeper: subprocess.Popen[bytes]) -> None:
    assert not processes.frozen(sleeper.pid)
    stop(sleeper)
    assert processes.frozen(sleeper.pid)
    sleeper.kill()
    sleeper.wait()
    assert not processes.frozen(sleeper.pid)


def test_a_frozen_supervisord_is_not_even_asked(
    sleeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    place = Workspace(tmp_path)
    place.run.mkdir(parents=True)
    path = tmp_path / "s.sock"
    known = Keeper(
        pid=sleeper.pid,
        identity=str(processes.identity(sleeper.pid)),
        uid=os.getuid(),
        socket=str(path),
        python="",
        home="",
    )
    (place.run / keeper.FILE).write_text(json.dumps(asdict(known)))
    stop(sleeper)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        silent.setblocking(False)
        runtime = ProcessRuntime(place, {})
        assert runtime.records() is None
        assert "does not answer" in runtime.trouble()
        with pytest.raises(BlockingIOError):
            silent.accept()
