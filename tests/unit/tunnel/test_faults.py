"""Every error has a code of its own, told by the providers' own words."""

from __future__ import annotations

import pytest

from alfred_dev.tunnel import faults
from tests.fakes.ngrok import ONLINE, REFUSALS

TOKEN = "2secret_tok_en"
CODES = {
    "105": "tunnel-bad-token",
    "107": "tunnel-bad-token",
    "108": "tunnel-session-limit",
    "120": "tunnel-agent-old",
    "121": "tunnel-agent-old",
    "4018": "tunnel-no-token",
}


@pytest.mark.parametrize("number", sorted(REFUSALS))
def test_ngroks_refusals_are_told_apart(number: str) -> None:
    words = REFUSALS[number].format(token=TOKEN) + f"\r\n\r\nERR_NGROK_{number}\r\n"
    found = faults.of_ngrok(words)
    assert (found.code, found.exit_code) == (CODES[number], 5)
    assert found.fix
    assert TOKEN not in f"{found.what}{found.cause}{found.fix}"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (ONLINE.format(url="https://x.ngrok.app"), "tunnel-domain-taken"),
        ("ERR_NGROK_8012", "tunnel-upstream-down"),
        ("ERR_NGROK_3004", "tunnel-protocol-mismatch"),
        ("ERR_NGROK_320 not reserved", "tunnel-domain-refused"),
        ("dial tcp: lookup connect.ngrok-agent.com: no such host", "tunnel-no-network"),
        ("something new ERR_NGROK_9999", "tunnel-provider"),
        ("", "tunnel-provider"),
    ],
)
def test_other_words_of_ngrok(words: str, code: str) -> None:
    assert faults.of_ngrok(words).code == code


def test_a_secret_in_somebody_elses_words_is_masked() -> None:
    found = faults.of_ngrok(f"cannot use {TOKEN} here", secrets=[TOKEN, ""])
    assert "cannot use *** here" in found.cause


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("No ED25519 host key is known for [x]:1 and you have requested strict checking.\r\n"
         "Host key verification failed.", "tunnel-host-key"),
        ("@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
         "tunnel-host-key"),
        ("me@x: Permission denied (publickey).", "tunnel-denied"),
        ("Error: remote port forwarding failed for listen port 1", "tunnel-forward-refused"),
        ("ssh: Could not resolve hostname x: Name or service not known", "tunnel-no-network"),
        ("ssh: connect to host x port 22: Connection timed out", "tunnel-timeout"),
        ("ssh: connect to host x port 22: Connection refused", "tunnel-no-network"),
        ("", "tunnel-provider"),
    ],
)  # fmt: skip
def test_words_of_ssh(words: str, code: str) -> None:
    found = faults.of_ssh(words, "me@x")
    assert (found.code, found.exit_code) == (code, 5)
    assert "{" not in found.cause + "".join(found.fix)


def test_what_to_type_names_the_port_too() -> None:
    found = faults.of_ssh("Host key verification failed.", "me@x", "2222")
    assert found.fix[0].startswith("ssh -p 2222 me@x ")
    changed = faults.of_ssh("REMOTE HOST IDENTIFICATION HAS CHANGED", "me@x", "2222")
    assert "ssh-keygen -R '[x]:2222'" in changed.fix[1]
