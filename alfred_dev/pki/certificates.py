"""Certificates as bytes: a constrained CA, its leaves, and what is wrong with them.

Pure: bytes in, bytes out, the clock is given. Keys are ECDSA P-256, unencrypted PKCS #8.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFE = timedelta(days=3652)
# Apple refuses leaves that live longer than 398 days; https://support.apple.com/en-us/102028
LEAF_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
# Clocks of virtual machines go wrong by hours: a certificate is valid a little before it is made.
BACKDATED = timedelta(hours=12)
LOOPBACK = ("127.0.0.0/8", "::1/128")
# No host can be called so (RFC 6761). The only URI and e-mail host that is permitted is excluded
# as well: no such name is valid. Constraints on DNS alone would leave those names open.
NOWHERE = "invalid"
COMMON_NAME_MAX = 64  # X.520's ub-common-name
_BLOCK = re.compile(
    rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----.*?-----END (?:TRUSTED )?CERTIFICATE-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (with its chain, if any) and its private key, both PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a certificate says. ``fingerprint``: SHA-256, lower-case hex; times are UTC."""

    subject: str
    fingerprint: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    permitted: tuple[str, ...] = ()  # DNS names and networks that a CA may sign for

    def left(self, now: datetime) -> timedelta:
        """Return how long it is still valid; negative when it is not."""
        return self.not_after - now

    def covers(self, name: str) -> bool:
        """Tell whether the certificate is for ``name``, wildcards included."""
        wanted = name.lower()
        wild = "*." + wanted.partition(".")[2]
        return any(own.lower() in (wanted, wild) for own in self.names)


def make_ca(domain: str, now: datetime, *, owner: str) -> Pair:
    """Make a CA that can sign for ``domain``, ``localhost`` and loopback addresses alone.

    ``owner`` is shown in lists of authorities: whose machine made it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    # Another CA has another subject: NSS takes two certificates of one subject for one.
    unit = f"{identifier.digest.hex()[:8]} {owner}"
    name = _subject(f"alfred-dev {domain}"[:COMMON_NAME_MAX], "alfred-dev local CA", unit)
    builder = (
        _builder(name, name, now, now + CA_LIFE)
        .public_key(public)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(_constraints(domain), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue(ca: Pair, names: Sequence[str], now: datetime, *, life: timedelta = LEAF_LIFE) -> Pair:
    """Issue a server certificate for ``names`` (DNS names and IP addresses), with a new key.

    It ends with its CA at the latest. What the CA's constraints forbid is issued all the same:
    it is for clients to refuse.
    """
    authority = x509.load_pem_x509_certificate(ca.certificate)
    signer = _private_key(ca.key)
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    common = next((name for name in names if len(name) <= COMMON_NAME_MAX), "alfred-dev")
    until = min(now - BACKDATED + life, authority.not_valid_after_utc)
    builder = (
        _builder(_subject(common, "alfred-dev certificate"), authority.subject, now, until)
        .public_key(public)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_authority_key(authority), critical=False)
        .add_extension(x509.SubjectAlternativeName([_name(n) for n in names]), critical=False)
    )
    return _pair(builder.sign(signer, hashes.SHA256()), key)


def read(pem: bytes) -> Certificate:
    """Return what the first certificate in ``pem`` says. Raises ValueError."""
    found = x509.load_pem_x509_certificate(pem)
    return Certificate(
        subject=found.subject.rfc4514_string(),
        fingerprint=found.fingerprint(hashes.SHA256()).hex(),
        names=tuple(_names(found)),
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        permitted=tuple(_permitted(found)),
    )


def belongs(pair: Pair) -> bool:
    """Tell whether the key is that of the certificate. Raises ValueError for what is no PEM."""
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    return _public_bytes(_private_key(pair.key)) == certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def signed_by(pem: bytes, ca_pem: bytes) -> bool:
    """Tell whether the first certificate in ``pem`` was signed by that of ``ca_pem``."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_pem))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def blocks(pem: bytes) -> tuple[bytes, ...]:
    """Return every certificate in ``pem`` as PEM of its own, each once; comments are dropped.

    Reads no certificate: bundles of a system have some that strict parsers refuse.
    """
    found = (match[0].replace(b"\r", b"") for match in _BLOCK.finditer(pem))
    return tuple(dict.fromkeys(block + b"\n" for block in found))


def _private_key(pem: bytes) -> CertificateIssuerPrivateKeyTypes:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:  # encrypted, or of an unknown kind
        raise ValueError(str(error)) from error
    if not hasattr(key, "sign"):
        raise ValueError("this key cannot sign")
    return key  # type: ignore[return-value]  # what cannot sign was just refused


def _public_bytes(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(until)
    )


def _subject(common: str, organisation: str, unit: str = "") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ]
    if unit:
        unit = unit[:COMMON_NAME_MAX]
        parts.insert(1, x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name(parts)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _constraints(domain: str) -> x509.NameConstraints:
    nowhere = [x509.UniformResourceIdentifier(NOWHERE), x509.RFC822Name(NOWHERE)]
    hosts = [x509.DNSName(name) for name in dict.fromkeys((domain, "localhost"))]
    loopback = [x509.IPAddress(ipaddress.ip_network(network)) for network in LOOPBACK]
    return x509.NameConstraints([*hosts, *loopback, *nowhere], nowhere)


def _authority_key(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names(certificate: x509.Certificate) -> Iterable[str]:
    try:
        value = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    yield from value.get_values_for_type(x509.DNSName)
    yield from map(str, value.get_values_for_type(x509.IPAddress))


def _permitted(certificate: x509.Certificate) -> Iterable[str]:
    try:
        value = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return
    for name in value.permitted_subtrees or ():
        if isinstance(name, x509.DNSName | x509.IPAddress):
            yield str(name.value)
