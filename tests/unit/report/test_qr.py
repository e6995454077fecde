"""QR codes, compared with those that another encoder (qrcode 8) made of the same texts."""

from __future__ import annotations

import hashlib

import pytest

from alfred_dev.report import qr

# Digests of the modules, "#" and "." a row, with mask 0.
KNOWN = {
    "https://one.ngrok.app": "0d9c341353f3909c",
    "https://1a2b-203-0-113-9.ngrok-free.app/agent-rag": "959fba57255d8c36",
    "https://" + "x" * 90 + ".app": "a4567c99a83f4319",
    "a": "5dcb66b40ad9dfbb",
    "b" * 50: "12a9131592f40788",
    "c" * 75: "0035cbfedaf918f3",
}


@pytest.mark.parametrize("text", sorted(KNOWN))
def test_the_modules_are_those_of_another_encoder(text: str) -> None:
    grid = qr.matrix(text, mask=0)
    assert grid is not None
    drawn = "\n".join("".join("#" if dark else "." for dark in row) for row in grid)
    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == KNOWN[text]


def test_lines_are_of_one_width_with_a_quiet_zone() -> None:
    found = qr.lines("https://one.ngrok.app")
    assert {len(line) for line in found} == {25 + 2 * qr.QUIET}
    assert set(found[0]) == {"█"}


def test_a_text_that_is_too_long_has_no_code() -> None:
    assert qr.lines("x" * 107) == []
    assert qr.matrix("x" * 106) is not None
