"""Every place of trust: check, install, uninstall; real databases, recorded outputs elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alfred_dev.changes.machine import Machine, Said
from alfred_dev.changes.perform import perform
from alfred_dev.pki import certificates, trust
from alfred_dev.pki.trust import Authority, debian, fedora, java, macos, nss, windows
from tests.unit.machines import Programs, machine
from tests.unit.pki.made import DOMAIN

OK = Said(0, "")
needs_certutil = pytest.mark.skipif(shutil.which("certutil") is None, reason="needs certutil")


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    pair = certificates.make_ca(DOMAIN, datetime.now(UTC), owner="me@here")
    path = tmp_path / "ca.pem"
    path.write_bytes(pair.certificate)
    return Authority(pair.certificate.decode(), path)


def test_fingerprints_are_those_that_openssl_prints(ca: Authority) -> None:
    for name, ours in (("-sha256", ca.sha256), ("-sha1", ca.sha1)):
        command = ["openssl", "x509", "-noout", "-fingerprint", name, "-in", str(ca.path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.partition("=")[2].strip().replace(":", "") == ours
    assert ca.is_in("x\r\n" + ca.pem.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("module", "folder", "bundle", "program"),
    [
        (debian, debian.FOLDER, "etc/ssl/certs/ca-certificates.crt", "update-ca-certificates"),
        (fedora, fedora.FOLDER, "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
         "update-ca-trust"),
    ],
)  # fmt: skip
def test_a_systems_anchor_comes_and_goes(
    tmp_path: Path, ca: Authority, module: object, folder: str, bundle: str, program: str
) -> None:
    here = machine(tmp_path, Programs({program: OK}))
    assert trust.find(here) == ()
    here.path(folder).mkdir(parents=True)
    (place,) = trust.find(here)
    made = here.path(bundle)
    made.parent.mkdir(parents=True)
    made.write_text("")
    put, run = place.install(ca)
    perform([put])
    assert str(run).startswith(f"run {program}")
    assert put.root
    assert run.root
    assert not place.check(ca), "an anchor that the system has not read is no trust"
    made.write_text(f"# other\n{ca.pem}")
    assert place.check(ca)
    drop, run = place.uninstall(ca, place.record())
    perform([drop])
    assert list(here.path(folder).iterdir()) == []
    assert str(run).startswith(f"run {program}")
    assert place.uninstall(ca, {}), "the system has not read that it is gone"
    made.write_text("# other\n")
    assert place.uninstall(ca, {}) == (), "for nothing nobody has to be root"
    anchor = Path(str(put).split()[-1])
    anchor.with_name(f".{anchor.name}.x").touch()
    assert place.uninstall(ca, {}), "a kill left half of it"


def test_debians_hook_for_java_is_left_out(tmp_path: Path, ca: Authority) -> None:
    here = machine(tmp_path, Programs({"update-ca-certificates": OK}))
    here.path(debian.FOLDER).mkdir(parents=True)
    (hooks := here.path(debian.HOOKS)).mkdir(parents=True)
    (hooks / "jks-keystore").touch()
    (place,) = debian.find(here)
    put, run = place.install(ca)
    perform([put])
    assert "--hooksdir" in str(run)
    assert "--hooksdir" in str(place.uninstall(ca, {})[1])


def database(home: Path, name: str) -> Path:
    folder = home / name
    folder.mkdir(parents=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True)
    return folder


def listed(folder: Path) -> str:
    command = ["certutil", "-L", "-d", f"sql:{folder}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs_certutil
def test_every_firefox_and_chromium_database_is_found_and_given_back(
    tmp_path: Path, ca: Authority
) -> None:
    here = Machine(root=tmp_path, home=tmp_path, environment={})
    folders = [
        ".pki/nssdb",
        ".mozilla/firefox/abc.default",
        ".config/mozilla/firefox/def.default",
        "snap/firefox/common/.mozilla/firefox/ghi.default",
        ".var/app/org.mozilla.firefox/.mozilla/firefox/jkl.default",
    ]
    made = [database(tmp_path, name) for name in folders]
    (tmp_path / ".mozilla/firefox/no-database").mkdir()
    before = [listed(folder) for folder in made]
    places = list(nss.find(here))
    assert {place.folder for place in places} == set(made)
    for place in places:
        assert not place.check(ca)
        for _ in range(2):
            perform(place.install(ca))
        assert place.check(ca)
        record = place.record()
        for _ in range(2):
            perform(place.uninstall(ca, record))
        assert not place.check(ca)
    assert [listed(folder) for folder in made] == before


@needs_certutil
def test_a_database_that_we_made_goes_with_us_unless_somebody_uses_it(
    tmp_path: Path, ca: Authority
) -> None:
    here = Machine(
        root=tmp_path,
        home=tmp_path,
        environment={},
        which=lambda name: name if name == "chromium" else shutil.which(name),
    )
    (place,) = nss.find(here)
    record = place.record()
    perform(place.install(ca))
    assert place.check(ca)
    perform(place.uninstall(ca, record))
    assert not (tmp_path / ".pki").exists()
    perform(place.install(ca))
    other = certificates.make_ca("other.test", datetime.now(UTC), owner="somebody")
    (tmp_path / "other.pem").write_bytes(other.certificate)
    add = ["certutil", "-A", "-d", f"sql:{place.folder}", "-t", "C,,", "-n", "theirs", "-i"]
    subprocess.run([*add, tmp_path / "other.pem"], check=True)
    perform(place.uninstall(ca, record))
    assert "theirs" in listed(place.folder)
    assert "alfred-dev" not in listed(place.folder)


@needs_certutil
def test_a_distrusted_ca_is_not_trusted(tmp_path: Path, ca: Authority) -> None:
    folder = database(tmp_path, ".pki/nssdb")
    place = nss.database(Machine(root=tmp_path, home=tmp_path, environment={}), folder)
    perform(place.install(ca))
    subprocess.run(
        ["certutil", "-M", "-d", f"sql:{folder}", "-n", ca.nickname, "-t", ",,"], check=True
    )
    assert not place.check(ca)


def test_without_certutil_the_package_is_named(tmp_path: Path) -> None:
    here = machine(tmp_path, Programs({"chromium": OK, "dnf": OK}))
    (place,) = nss.find(here)
    assert place.lacks() == ("certutil is not here", "sudo dnf install nss-tools")


LISTED = """\
SHA-256 hash: {sha256}
SHA-1 hash: 0000
keychain: "/Library/Keychains/System.keychain"
class: 0x80001000
"""


def test_macos_by_recorded_outputs(tmp_path: Path, ca: Authority) -> None:
    find = "security find-certificate -a -Z"
    answers = {find: Said(0, LISTED.format(sha256=ca.sha256)), "security verify-cert": OK}
    mac = machine(tmp_path, Programs(answers), platform="darwin")
    (place,) = macos.find(mac)
    assert place.check(ca)
    (add,) = place.install(ca)
    assert str(add) == (
        "run security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain "
        f"{ca.path}"
    )
    assert [str(step).split()[2] for step in place.uninstall(ca, {})] == [
        "remove-trusted-cert", "delete-certificate",
    ]  # fmt: skip
    answers["security verify-cert"] = Said(1, "CSSMERR_TP_NOT_TRUSTED")
    assert not place.check(ca)
    answers[find] = Said(0, LISTED.format(sha256="00"))
    assert not place.check(ca)


def test_windows_by_recorded_outputs(tmp_path: Path, ca: Authority) -> None:
    spaced = " ".join(ca.sha1[i : i + 2].lower() for i in range(0, 40, 2))
    answers = {
        "certutil.exe -user -store Root": Said(0, f"Cert Hash(sha1): {spaced}\r\nok"),
        "wslpath -w": Said(0, "\\\\wsl.localhost\\Ubuntu\\ca.pem\n"),
    }
    here = machine(tmp_path, Programs(answers), WSL_DISTRO_NAME="Ubuntu")
    (place,) = windows.find(here)
    assert place.check(ca)
    (add,) = place.install(ca)
    assert str(add).endswith("-user -f -addstore Root '\\\\wsl.localhost\\Ubuntu\\ca.pem'")
    (delete,) = place.uninstall(ca, {})
    assert str(delete) == f"run certutil.exe -user -delstore Root {ca.sha1}"
    answers["certutil.exe -user -store Root"] = Said(1, "Object was not found. CRYPT_E_NOT_FOUND")
    assert not place.check(ca)
    assert not list(windows.find(machine(tmp_path, Programs(answers))))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("keytool") is None, reason="needs a Java")
def test_java_is_left_alone_unless_asked_for(tmp_path: Path, ca: Authority) -> None:
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "keytool").write_text('#!/bin/sh\nexec keytool "$@"\n')
    (home / "bin" / "keytool").chmod(0o755)
    store = home / "lib" / "security" / "cacerts"
    store.parent.mkdir(parents=True)
    subprocess.run(
        ["keytool", "-genkeypair", "-alias", "mine", "-dname", "CN=x", "-keyalg", "EC",
         "-keystore", store, "-storepass", java.PASSWORD],
        check=True, capture_output=True,
    )  # fmt: skip
    here = Machine(root=tmp_path, home=tmp_path, environment={"JAVA_HOME": str(home)})
    assert not [p for p in trust.find(here) if p.kind == "java"]
    (place,) = [p for p in trust.find(here, with_java=True) if p.kind == "java"]
    assert not place.check(ca)
    perform(place.install(ca))
    assert place.check(ca)
    again = trust.place_of(here, "java", place.target, place.record())
    assert again == place
    perform(place.uninstall(ca, place.record()))
    assert not place.check(ca)
