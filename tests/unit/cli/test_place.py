"""What is said beside the results."""

from __future__ import annotations

import pytest

from alfred_dev.cli.place import note
from alfred_dev.report import command


def test_a_command_in_a_note_is_as_the_user_types_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_called", ["./scripts/alfred-dev"])
    note("nothing trusts it yet: alfred-dev setup")
    said = capsys.readouterr().err
    assert said == "alfred-dev: nothing trusts it yet: ./scripts/alfred-dev setup\n"


def test_the_name_of_our_ca_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_called", ["./scripts/alfred-dev"])
    shown = "certutil -D -n 'alfred-dev local CA 628e8424'"
    assert command.typed(shown) == shown
