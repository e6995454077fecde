"""The ledger: written before, shared by checkouts, never lost by a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alfred_dev import ledger
from alfred_dev.errors import AlfredError
from alfred_dev.ledger import Ledger


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "data" / "ledger.json")


def checkout(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    return folder


def test_a_change_is_shared_and_counted(book: Ledger, tmp_path: Path) -> None:
    one, two = checkout(tmp_path, "one"), checkout(tmp_path, "two")
    book.begin("hosts", "/etc/hosts", one, wants=["a", "b"], data={"before": "1"})
    entry = book.begin("hosts", "/etc/hosts", two, wants=["b", "c"], data={"before": "2"})
    assert entry.all_wants == ("a", "b", "c")
    assert book.file.stat().st_mode & 0o777 == 0o600
    assert entry.data == {"before": "1"}, "the first saw the machine without us"
    left = book.release(entry, one)
    assert left.all_wants == ("b", "c")
    book.forget(left)
    assert book.entries(), "two still wants it"
    book.forget(book.release(left, two))
    assert book.entries() == ()
    assert not book.file.exists()


def test_a_checkout_that_is_gone_wants_nothing(book: Ledger, tmp_path: Path) -> None:
    one, two = checkout(tmp_path, "one"), checkout(tmp_path, "two")
    entry = book.begin("hosts", "/etc/hosts", one)
    one.rmdir()
    assert book.of(two) == (entry,), "what nobody living wants is anybody's to undo"
    assert book.release(entry, two).wants == {}


def test_beginning_again_is_the_same_change(book: Ledger, tmp_path: Path) -> None:
    one = checkout(tmp_path, "one")
    for _ in range(2):
        book.begin("hosts", "/etc/hosts", one, wants=["a"])
    book.begin("trust", "x", one)
    assert [entry.kind for entry in book.of(one)] == ["trust", "hosts"], "the newest first"


def test_a_damaged_ledger_is_an_error_that_says_what_to_do(book: Ledger, tmp_path: Path) -> None:
    book.file.parent.mkdir()
    for text in ("{", "[]", '{"changes": [{"kind": 1}]}', "\0"):
        book.file.write_text(text)
        with pytest.raises(AlfredError) as caught:
            book.begin("hosts", "/etc/hosts", tmp_path)
        assert caught.value.code == "ledger-damaged"


def test_two_at_once_lose_nothing(book: Ledger, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from alfred_dev.ledger import Ledger\n"
        "[Ledger(Path(sys.argv[1])).begin('hosts', f'{sys.argv[2]}{i}', Path('/')) "
        "for i in range(20)]"
    )
    command = [sys.executable, "-c", code, str(book.file)]
    running = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(book.entries()) == 60


def test_it_lies_where_the_user_keeps_data() -> None:
    home = Path("/home/me")
    assert ledger.location({}, home, platform="linux") == home / ".local/share/alfred-dev"
    assert ledger.location({"XDG_DATA_HOME": "/d"}, home) == Path("/d/alfred-dev")
    assert ledger.location({"XDG_DATA_HOME": "d"}, home, platform="linux").is_absolute()
    mac = home / "Library/Application Support/alfred-dev"
    assert ledger.location({}, home, platform="darwin") == mac
