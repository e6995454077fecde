"""What ``up`` makes, keeps, renews and refuses."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from alfred_dev.errors import AlfredError, MachineError, UsageError
from alfred_dev.pki import certificates, store
from alfred_dev.pki.authority import Store, signing_pair
from alfred_dev.pki.own import Own
from alfred_dev.pki.store import ensure
from tests.unit.pki.made import DOMAIN, NAMES, NOW
from tests.unit.pki.made import store as make_store

DAY = timedelta(days=1)


@pytest.fixture
def made(tmp_path: Path) -> Store:
    made = make_store(tmp_path)
    ensure(made, NAMES, NOW)
    return made


def content(made: Store) -> dict[str, bytes]:
    folders = (made.certs, made.ca_folder)
    return {p.name: p.read_bytes() for f in folders for p in f.iterdir() if p.name != "lock"}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_first_time_makes_a_ca_and_both_leaves(tmp_path: Path) -> None:
    made = make_store(tmp_path)
    done = ensure(made, NAMES, NOW)
    assert done.new_ca
    assert set(done.leaves) == {"gateway", "loopback"}
    assert {mode(made.ca_key), mode(made.key("gateway")), mode(made.key("loopback"))} == {0o600}
    assert mode(made.ca_folder) == 0o700
    leaves = store.show(made)
    assert leaves["gateway"].names == NAMES
    assert set(leaves["loopback"].names) == {"127.0.0.1", "::1", "localhost"}
    assert (made.certs / ".gitignore").read_text() == "*\n"
    assert made.ledger.find("ca", str(made.ca_folder)) is not None


def test_a_second_time_changes_nothing(made: Store) -> None:
    before = content(made)
    done = ensure(made, NAMES, NOW + DAY)
    assert not done.new_ca
    assert not done.leaves
    assert content(made) == before


def test_leaves_are_renewed_when_fewer_than_30_days_are_left_by_the_same_ca(made: Store) -> None:
    authority = made.ca_certificate.read_bytes()
    assert not ensure(made, NAMES, NOW + 366 * DAY).leaves
    done = ensure(made, NAMES, NOW + 367 * DAY)
    assert set(done.leaves) == {"gateway", "loopback"}
    assert made.ca_certificate.read_bytes() == authority
    assert ensure(made, NAMES, NOW + 1000 * DAY).leaves  # long expired


def test_new_names_make_a_new_leaf_for_the_gateway_alone(made: Store) -> None:
    done = ensure(made, (*NAMES, f"new.{DOMAIN}"), NOW)
    assert list(done.leaves) == ["gateway"]


def test_a_second_checkout_shares_the_ca(made: Store, tmp_path: Path) -> None:
    other = make_store(tmp_path, name="other")
    done = ensure(other, NAMES, NOW)
    assert not done.new_ca
    entry = made.ledger.find("ca", str(made.ca_folder))
    assert entry is not None
    assert set(entry.wants) == {str(made.root), str(other.root)}


def test_another_domain_has_another_ca(made: Store, tmp_path: Path) -> None:
    other = make_store(tmp_path, domain="alfred.test", name="other")
    assert ensure(other, ("alfred.test",), NOW).new_ca
    assert other.ca_certificate != made.ca_certificate
    permitted = certificates.read(other.ca_certificate.read_bytes()).permitted
    assert "alfred.test" in permitted
    assert DOMAIN not in permitted


@pytest.mark.parametrize("damage", ["other pair", "garbage", "open", "no key", "foreign"])
def test_a_leaf_that_is_no_good_is_made_anew(made: Store, tmp_path: Path, damage: str) -> None:
    key, certificate = made.key("gateway"), made.certificate("gateway")
    if damage == "other pair":
        shutil.copy(made.key("loopback"), key)
    elif damage == "garbage":
        certificate.write_bytes(b"\x00\xff")
    elif damage == "open":
        key.chmod(0o644)
    elif damage == "no key":
        key.unlink()
    else:
        foreign = certificates.make_ca(DOMAIN, NOW, owner="other")
        pair = certificates.issue(foreign, NAMES, NOW)
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
    done = ensure(made, NAMES, NOW)
    assert list(done.leaves) == ["gateway"]
    assert not store.why_not(made, "gateway", NAMES, NOW)
    assert mode(key) == 0o600


def test_a_lost_ca_key_is_told_before_it_matters_and_refused_when_it_does(made: Store) -> None:
    made.ca_key.unlink()
    done = ensure(made, NAMES, NOW)
    assert "certs mint --new-ca" in done.notes[0]
    before = content(made)
    with pytest.raises(UsageError, match="lost its key"):
        ensure(made, NAMES, NOW + 380 * DAY)
    assert content(made) == before


def test_a_ca_key_that_others_can_read_signs_nothing(made: Store) -> None:
    made.ca_key.chmod(0o644)
    with pytest.raises(UsageError) as caught:
        ensure(made, NAMES, NOW, force=True)
    assert caught.value.code == "ca-key-open"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_ca_key_of_another_user_is_said_to_be_unreadable(made: Store) -> None:
    for path in (made.ca_folder, made.ca_key):
        os.chown(path, 12345, 12345)
    for path in made.root.parents:  # a folder that nobody else may enter would say so first
        if path.stat().st_mode & 0o001 == 0 and path.stat().st_uid == 0:
            path.chmod(path.stat().st_mode | 0o011)
    pid = os.fork()
    if pid == 0:
        os.setgid(54321)
        os.setuid(54321)
        try:
            signing_pair(made)
        except MachineError as error:
            os._exit(0 if error.code == "ca-unreadable" else 1)
        except BaseException:
            os._exit(2)
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_foreign_ca_key_signs_nothing(made: Store) -> None:
    made.ca_key.write_bytes(made.key("gateway").read_bytes())
    with pytest.raises(UsageError, match="do not fit"):
        ensure(made, NAMES, NOW, force=True)


def test_there_is_no_new_ca_where_its_leaves_could_not_be_written(made: Store) -> None:
    made.key("gateway").unlink()
    made.key("gateway").symlink_to(made.key("loopback"))
    before = content(made)
    with pytest.raises(UsageError, match="symbolic link"):
        ensure(made, NAMES, NOW, new_ca=True)
    assert content(made) == before


def test_a_clock_before_our_ca_is_wrong(made: Store) -> None:
    with pytest.raises(MachineError) as caught:
        ensure(made, NAMES, NOW - 30 * DAY)
    assert caught.value.code == "clock-wrong"


def test_an_expired_ca_and_garbage_in_its_place_name_the_way_out(made: Store) -> None:
    with pytest.raises(UsageError, match="has expired") as caught:
        ensure(made, NAMES, NOW + 4000 * DAY)
    assert "certs mint --new-ca" in caught.value.fix[0]
    made.ca_certificate.write_bytes(b"nonsense")
    with pytest.raises(AlfredError, match="is no certificate"):
        ensure(made, NAMES, NOW)
    assert ensure(made, NAMES, NOW, new_ca=True).new_ca
    assert not ensure(made, NAMES, NOW).leaves


def test_a_kill_between_ca_key_and_certificate_leaves_no_half_ca(made: Store) -> None:
    made.ca_certificate.unlink()
    done = ensure(made, NAMES, NOW)
    assert done.new_ca
    assert set(done.leaves) == {"gateway", "loopback"}


@pytest.fixture
def own(tmp_path: Path) -> Own:
    authority = certificates.make_ca("real.test", NOW, owner="somebody")
    pair = certificates.issue(authority, ("real.test", "*.real.test"), NOW)
    chain, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    chain.write_bytes(pair.certificate + authority.certificate)
    key.write_bytes(pair.key)
    return Own(certificate=chain, key=key, where="alfred.yaml:3:1")


def test_a_certificate_of_your_own_is_what_the_gateway_gets(tmp_path: Path, own: Own) -> None:
    made = make_store(tmp_path, domain="real.test")
    names = ("real.test", "api.real.test", "alfred.localhost")
    done = ensure(made, names, NOW, own=own)
    assert made.certificate("gateway").read_bytes() == own.certificate.read_bytes()
    assert mode(made.key("gateway")) == 0o600
    assert "loopback" in done.leaves
    assert not done.notes
    assert not ensure(made, names, NOW, own=own).leaves
    assert list(ensure(made, names, NOW).leaves) == ["gateway"]  # and back


def test_what_your_own_certificate_lacks_is_said(tmp_path: Path, own: Own) -> None:
    made = make_store(tmp_path)
    notes = ensure(made, NAMES, NOW + 380 * DAY, own=own).notes
    assert any("renew it yourself" in note for note in notes)
    assert any(f"is not for {DOMAIN}" in note for note in notes)


@pytest.mark.parametrize("damage", ["missing", "pair", "expired", "garbage"])
def test_an_own_certificate_of_no_use_changes_nothing(
    tmp_path: Path, own: Own, damage: str
) -> None:
    made = make_store(tmp_path)
    ensure(made, NAMES, NOW)
    before = content(made)
    now = NOW
    if damage == "missing":
        own.key.unlink()
    elif damage == "pair":
        own.key.write_bytes(made.key("gateway").read_bytes())
    elif damage == "expired":
        now += 500 * DAY
    else:
        own.certificate.write_text("no PEM")
    with pytest.raises(UsageError) as caught:
        ensure(made, NAMES, now, own=own)
    assert caught.value.where == "alfred.yaml:3:1"
    assert content(made) == before
