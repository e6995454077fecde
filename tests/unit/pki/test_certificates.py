"""The whole contract of the CA and its leaves, read back from the bytes."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from alfred_dev.pki import certificates
from alfred_dev.pki.certificates import Pair
from tests.unit.pki.made import DOMAIN, NAMES, NOW


@pytest.fixture(scope="module")
def ca() -> Pair:
    return certificates.make_ca(DOMAIN, datetime.now(UTC), owner="me@here")


def verify(folder: Path, ca: Pair, leaf: Pair) -> str:
    (folder / "ca.pem").write_bytes(ca.certificate)
    (folder / "leaf.pem").write_bytes(leaf.certificate)
    done = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "ca.pem", "leaf.pem"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_ca_can_sign_for_the_domain_and_loopback_alone(ca: Pair) -> None:
    found = x509.load_pem_x509_certificate(ca.certificate)
    basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    limits = found.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    nowhere = [x509.UniformResourceIdentifier("invalid"), x509.RFC822Name("invalid")]
    assert limits.value.permitted_subtrees == [
        x509.DNSName(DOMAIN),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_network("127.0.0.0/8")),
        x509.IPAddress(ip_network("::1/128")),
        *nowhere,
    ]
    assert limits.value.excluded_subtrees == nowhere
    key = found.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_a_leaf_has_all_that_strict_clients_ask_for(ca: Pair) -> None:
    leaf = certificates.issue(ca, NAMES, NOW)
    found = x509.load_pem_x509_certificate(leaf.certificate)
    extensions = found.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    authority = x509.load_pem_x509_certificate(ca.certificate).extensions
    own_id = authority.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    issuer_id = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issuer_id.key_identifier == own_id
    assert extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert found.serial_number.bit_length() > 64
    assert found.not_valid_after_utc - found.not_valid_before_utc <= timedelta(days=397)
    assert certificates.read(leaf.certificate).names == NAMES
    other = certificates.issue(ca, NAMES, NOW)
    assert x509.load_pem_x509_certificate(other.certificate).serial_number != found.serial_number


def test_a_leaf_ends_with_its_ca_at_the_latest(ca: Pair) -> None:
    end = certificates.read(ca.certificate).not_after
    late = certificates.issue(ca, NAMES, end - timedelta(days=2))
    assert certificates.read(late.certificate).not_after == end


def test_openssl_has_nothing_to_say_in_strict_mode(ca: Pair, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert verify(tmp_path, ca, certificates.issue(ca, NAMES, now)) == "leaf.pem: OK\n"
    loopback = certificates.issue(ca, ("127.0.0.1", "::1", "localhost"), now)
    assert verify(tmp_path, ca, loopback) == "leaf.pem: OK\n"


@pytest.mark.parametrize(
    "name", ["google.com", "example.com", f"x{DOMAIN}", "8.8.8.8", "126.255.255.255", "::2"]
)
def test_openssl_refuses_a_leaf_outside_of_the_constraints(
    ca: Pair, tmp_path: Path, name: str
) -> None:
    leaf = certificates.issue(ca, ("localhost", name), datetime.now(UTC))
    assert "permitted subtree violation" in verify(tmp_path, ca, leaf)


@pytest.mark.parametrize(
    "name",
    [
        x509.UniformResourceIdentifier("https://bank.example/x"),
        x509.UniformResourceIdentifier(f"https://{DOMAIN}/x"),
        x509.UniformResourceIdentifier("https://invalid/x"),
        x509.RFC822Name(f"me@{DOMAIN}"),
        x509.RFC822Name("me@invalid"),
    ],
    ids=str,
)
def test_no_uri_and_no_mail_address_is_valid(
    ca: Pair, tmp_path: Path, name: x509.GeneralName
) -> None:
    leaf = with_names(ca, [x509.DNSName("localhost"), name])
    assert "subtree violation" in verify(tmp_path, ca, leaf)


def with_names(ca: Pair, names: list[x509.GeneralName]) -> Pair:
    """A leaf of the CA with names that ``issue`` never writes."""
    good = x509.load_pem_x509_certificate(
        certificates.issue(ca, ("localhost",), datetime.now(UTC)).certificate
    )
    builder = x509.CertificateBuilder(
        issuer_name=good.issuer,
        subject_name=good.subject,
        public_key=good.public_key(),
        serial_number=good.serial_number,
        not_valid_before=good.not_valid_before_utc,
        not_valid_after=good.not_valid_after_utc,
    )
    for extension in good.extensions:
        if not isinstance(extension.value, x509.SubjectAlternativeName):
            builder = builder.add_extension(extension.value, extension.critical)
    key = serialization.load_pem_private_key(ca.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made = builder.add_extension(x509.SubjectAlternativeName(names), False)
    signed = made.sign(key, hashes.SHA256())
    return Pair(signed.public_bytes(serialization.Encoding.PEM), b"")


def test_a_ca_below_our_ca_can_sign_nothing(ca: Pair, tmp_path: Path) -> None:
    below = certificates.make_ca(DOMAIN, datetime.now(UTC), owner="below")
    leaf = certificates.issue(below, ("localhost",), datetime.now(UTC))
    assert not certificates.signed_by(leaf.certificate, ca.certificate)
    assert certificates.signed_by(leaf.certificate, below.certificate)


def test_pairs_are_told_from_what_does_not_belong_together(ca: Pair) -> None:
    one, two = (certificates.issue(ca, ("localhost",), NOW) for _ in range(2))
    assert certificates.belongs(one)
    assert not certificates.belongs(Pair(one.certificate, two.key))
    for key in (b"", b"garbage", one.certificate):
        with pytest.raises(ValueError):  # noqa: PT011 - OpenSSL's words vary
            certificates.belongs(Pair(one.certificate, key))


def test_wildcards_of_a_foreign_certificate_cover_one_label(ca: Pair) -> None:
    found = certificates.read(certificates.issue(ca, ("*.dev.test", "dev.test"), NOW).certificate)
    assert found.covers("api.dev.test")
    assert found.covers("DEV.test")
    assert not found.covers("a.b.dev.test")
    assert not found.covers("other.test")


def test_a_bundle_is_taken_apart_once_each(ca: Pair) -> None:
    leaf = certificates.issue(ca, ("localhost",), NOW).certificate
    text = b"# a comment\n" + ca.certificate + b"\n" + leaf + ca.certificate
    assert certificates.blocks(text) == (ca.certificate, leaf)
    assert certificates.blocks(b"") == ()
