"""The block itself, as it is read in an editor."""

from __future__ import annotations

import time

import pytest

from alfred_dev.changes import block

LINES = [b"127.0.0.1\tapi.dev.test", b"::1\tapi.dev.test"]


def test_the_block_says_whose_it_is_and_how_it_goes() -> None:
    assert block.put(b"127.0.0.1 localhost\n", LINES).decode() == (
        "127.0.0.1 localhost\n"
        "# alfred-dev begin: `alfred-dev uninstall` removes this block\n"
        "127.0.0.1\tapi.dev.test\t# alfred-dev\n"
        "::1\tapi.dev.test\t# alfred-dev\n"
        "# alfred-dev end\n"
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"a", b"a\n", b"a\r\nb\r\n", b"a\r\nb", b"\xef\xbb\xbfa\n", b"B\xfcro\n", b"a\r", b"\n"],
)
def test_every_shape_of_file_comes_back(data: bytes) -> None:
    applied = block.put(data, LINES)
    assert block.drop(applied) == data
    assert applied.startswith(data)


def test_lines_end_as_those_of_the_file() -> None:
    assert b"\n" not in block.put(b"a\r\n", LINES).replace(b"\r\n", b"")


def test_a_line_put_between_ours_and_a_lost_end_hurt_nobody() -> None:
    applied = block.put(b"127.0.0.1 localhost\n", LINES)
    changed = applied.replace(block.END + b"\n", b"").replace(
        b"::1\tapi", b"10.0.0.1 printer\n::1\tapi"
    )
    assert block.drop(changed) == b"127.0.0.1 localhost\n10.0.0.1 printer\n"
    assert block.drop(block.put(changed, LINES)) == block.drop(changed)


def test_a_file_of_100000_lines_takes_no_time() -> None:
    data = b"".join(b"10.%d.%d.1 host-%d # mine\n" % (i % 256, i // 256, i) for i in range(100_000))
    started = time.perf_counter()
    assert block.drop(block.put(data, LINES * 40)) == data
    # Generous: linear takes milliseconds here, quadratic minutes.
    assert time.perf_counter() - started < 5
