"""What every test gets: a clean environment, repeatable properties, ports of its own on request."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "project",
    derandomize=True,
    deadline=None,  # two cores and parallel workers: time says nothing
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")

# A shell that runs us in the background has us ignore Ctrl-C, and all that we start with us.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Rewrite the golden files.")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests may reach them."""
    for key in list(os.environ):
        ours = key.startswith(("ALFRED_", "POSTGRES_", "REDIS_", "PG")) or key == "DB_JWT_SECRET"
        if ours or key.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(key)
    for key in ("NO_COLOR", "COLUMNS", "CI", "FORCE_COLOR", "XDG_RUNTIME_DIR", "TERM"):
        monkeypatch.delenv(key, raising=False)


@pytest.fixture(scope="session")
def own_ports() -> Iterator[None]:
    """Move this worker into a network namespace of its own: all 19 ports are free there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(CLONE_NEWNET) != 0:
        pytest.skip("needs a network namespace of its own (root on Linux)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", IFF_UP)
        fcntl.ioctl(sock, SIOCSIFFLAGS, request)
    yield
