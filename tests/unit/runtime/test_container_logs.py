"""The engine's log stream, however it is cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.runtime.container_logs import payload, stamped, whole_lines


def frame(data: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


@given(parts=st.lists(st.binary(max_size=30), max_size=8), size=st.integers(1, 40))
def test_frames_are_joined_wherever_the_stream_is_cut(parts: list[bytes], size: int) -> None:
    whole = b"".join(frame(part) for part in parts)
    chunks = [whole[i : i + size] for i in range(0, len(whole), size)]
    assert b"".join(payload(chunks)) == b"".join(parts)


def test_times_are_cut_to_milliseconds() -> None:
    said = b"2026-01-02T03:04:05.123456789Z one\n2026-01-02T03:04:05Z two\nthree\n"
    expected = "2026-01-02T03:04:05.123Z one\n2026-01-02T03:04:05.000Z two\nthree\n"
    assert stamped(said) == expected


def test_only_whole_lines_come() -> None:
    assert list(whole_lines([b"a", b"b\nc", b"\nd"])) == [b"ab\n", b"c\n"]
