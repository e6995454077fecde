"""What alfred.yaml may run: remembered per checkout and command, outside of the checkout."""

from __future__ import annotations

from pathlib import Path

from alfred_dev import consent


def test_consent_holds_for_one_checkout_and_one_command(tmp_path: Path) -> None:
    folder, one, two = tmp_path / "user", tmp_path / "one", tmp_path / "two"
    assert not consent.given(folder, one, "make it")
    consent.give(folder, one, "make it")
    assert consent.given(folder, one, "make it")
    assert not consent.given(folder, one, "make it; rm -rf /")
    assert not consent.given(folder, two, "make it")
    consent.give(folder, one, "another")
    assert consent.given(folder, one, "make it")
    consent.withdraw(folder, one)
    assert not consent.given(folder, one, "make it")
    assert (folder / consent.FILE).stat().st_mode & 0o777 == 0o600


def test_a_torn_file_consents_to_nothing(tmp_path: Path) -> None:
    for text in ("[", "[]", '{"x": 3}'):
        (tmp_path / consent.FILE).write_text(text)
        assert not consent.given(tmp_path, tmp_path, "x")
