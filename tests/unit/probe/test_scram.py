from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.probe.scram import ScramError, client_first, prepared, prove

# RFC 7677, section 3
NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = f"r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
CLIENT_FINAL = (
    f"c=biws,r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_the_example_of_the_rfc() -> None:
    assert client_first(NONCE, user="user") == f"n,,n=user,r={NONCE}"

    proof = prove("pencil", NONCE, SERVER_FIRST, user="user")

    assert proof.client_final == CLIENT_FINAL
    proof.check(SERVER_FINAL)


@pytest.mark.parametrize("final", ["", "v=", "v=AAAA", "e=other-error", "v=%%%", "v=\xff"])
def test_a_server_that_does_not_know_the_password_is_found_out(final: str) -> None:
    with pytest.raises(ScramError):
        prove("pencil", NONCE, SERVER_FIRST, user="user").check(final)


@pytest.mark.parametrize(
    "first",
    [
        "",
        "r=other,s=AAAA,i=4096",
        f"r={NONCE},s=AAAA,i=4096",
        f"r={NONCE}x,i=4096",
        f"r={NONCE}x,s=A,i=4096",
        f"r={NONCE}x,s=\xff,i=4096",
        f"r={NONCE}x,s=AAAA",
        f"r={NONCE}x,s=AAAA,i=0",
        f"r={NONCE}x,s=AAAA,i=-1",
        f"r={NONCE}x,s=AAAA,i=\u0664",
        f"r={NONCE}x,s=AAAA,i=1000001",
        f"r={NONCE}x,s=AAAA,i={'9' * 5000}",
    ],
)
def test_a_challenge_that_is_none_is_refused(first: str) -> None:
    with pytest.raises(ScramError):
        prove("pencil", NONCE, first)


@given(st.text(), st.text(), st.text())
def test_any_text_is_a_challenge_or_refused(password: str, first: str, final: str) -> None:
    for challenge in (first, f"r={NONCE}x,s=AAAA,i=1,{first}"):
        try:
            prove(password, NONCE, challenge).check(final)
        except ScramError:
            continue


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("user", "user"),
        ("a\tb \x7f", "a\tb \x7f"),  # ASCII stays as it is
        ("I\u00adX", "IX"),  # the examples of RFC 4013
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("x\u00a0\u3000y", "x  y"),
        ("\u0627\u0031", "\u0627\u0031"),  # mixed directions: forbidden, so as it is
        ("\u06271\u0628", "\u06271\u0628"),
        ("\u0627a\u0628", "\u0627a\u0628"),
        ("\u00ad", "\u00ad"),  # nothing would be left
        ("\u2168\ue000", "\u2168\ue000"),  # private use: forbidden, so as it is
        ("\u2168\u0378", "\u2168\u0378"),  # not assigned
    ],
)
def test_passwords_are_prepared_as_postgres_does(password: str, expected: str) -> None:
    assert prepared(password) == expected.encode()


def test_a_password_that_is_not_utf8_keeps_its_bytes() -> None:
    assert prepared(b"\xe4\xff".decode("utf-8", "surrogateescape")) == b"\xe4\xff"
