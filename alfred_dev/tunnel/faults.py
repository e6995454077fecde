"""What can go wrong with a provider, told apart: its words -> an error with code, cause and fix.

Pure. The words are those of ngrok's and OpenSSH's public documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from alfred_dev.errors import TunnelError

_NGROK_CODE = re.compile(r"ERR_NGROK_(\d+)")
_NO_NETWORK = re.compile(
    r"no such host|network is unreachable|connection refused|i/o timeout|server misbehaving"
    r"|no route to host|temporary failure in name resolution|dial tcp|failed to dial",
    re.IGNORECASE,
)
INSTALL_NGROK = "install it from https://ngrok.com/download, or let us: alfred-dev tunnel open ..."
OTHER = "or by a server of yours: --provider ssh --ssh-host USER@HOST"
Fault = tuple[str, str, str, tuple[str, ...]]  # code, what, cause, fix

_BAD_TOKEN: Fault = (
    "tunnel-bad-token",
    "ngrok refuses the token",
    "it is malformed, was revoked, or belongs to another account",
    (
        "copy it from https://dashboard.ngrok.com/get-started/your-authtoken",
        "NGROK_AUTHTOKEN=...   (in .env)",
    ),
)
_NO_TOKEN: Fault = (
    "tunnel-no-token",
    "ngrok needs the token of an account",
    "NGROK_AUTHTOKEN is not set, nor is one in .env or in ngrok's own file",
    (
        "sign up at https://dashboard.ngrok.com/signup",
        "NGROK_AUTHTOKEN=...   (in .env)",
        OTHER,
    ),
)
_OLD: Fault = (
    "tunnel-agent-old",
    "this ngrok agent is too old",
    "ngrok's service no longer accepts its version",
    ("ngrok update", "alfred-dev tunnel open ..."),
)
_BY_CODE: Mapping[str, Fault] = {
    "105": _BAD_TOKEN,
    "106": _BAD_TOKEN,
    "107": _BAD_TOKEN,
    "4018": _NO_TOKEN,
    "108": (
        "tunnel-session-limit",
        "another ngrok agent of this account runs already",
        "the plan allows no second session at once",
        (
            "end the other agent: https://dashboard.ngrok.com/agents lists them",
            OTHER,
        ),
    ),
    "334": (
        "tunnel-domain-taken",
        "the domain is online already",
        "another agent, or another checkout, serves it",
        (
            "end it there, or use another: --domain NAME",
            "https://dashboard.ngrok.com/endpoints lists them",
        ),
    ),
    "8012": (
        "tunnel-upstream-down",
        "ngrok reaches this machine, but nothing answers behind it",
        "the service, or our front, is down",
        ("alfred-dev status", "alfred-dev tunnel test"),
    ),
    "3004": (
        "tunnel-protocol-mismatch",
        "what answers behind the tunnel speaks no HTTP",
        "another program took the port, or it expects TLS",
        ("alfred-dev status", "alfred-dev tunnel close --all"),
    ),
    "120": _OLD,
    "121": _OLD,
}
_DOMAIN_CODES = frozenset({"319", "320", "325", "326", "314", "9038", "15013"})


def of_ngrok(words: str, *, secrets: Iterable[str] = ()) -> TunnelError:
    """Return the error behind the agent's or the service's words."""
    found = _NGROK_CODE.search(words)
    number = found[1] if found else ""
    if number in _BY_CODE:
        return _error(_BY_CODE[number], f"ERR_NGROK_{number}")
    said = plain(words, secrets)
    if number in _DOMAIN_CODES:
        return TunnelError(
            "tunnel-domain-refused",
            "ngrok does not give this domain",
            cause=f"{said} (ERR_NGROK_{number})",
            fix=["reserve it at https://dashboard.ngrok.com/domains", "or leave --domain out"],
        )
    if not number and _NO_NETWORK.search(words):
        return no_network(said)
    return TunnelError(
        "tunnel-provider",
        "ngrok refuses",
        cause=said or "it does not say why",
        fix=[f"https://ngrok.com/docs/errors/err_ngrok_{number}/" if number else OTHER],
    )


def _error(fault: Fault, more: str) -> TunnelError:
    code, what, cause, fix = fault
    return TunnelError(code, what, cause=f"{cause} ({more})" if more else cause, fix=fix)


def plain(words: str, secrets: Iterable[str] = ()) -> str:
    """Return words on one short line, without secrets."""
    text = " ".join(words.replace("\\r\\n", " ").replace("\\n", " ").split())
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    return text if len(text) <= 300 else text[:297] + "..."


def no_network(cause: str) -> TunnelError:
    """Say that the provider's service cannot be reached."""
    return TunnelError(
        "tunnel-no-network",
        "the provider cannot be reached from here",
        cause=cause or "no connection",
        fix=["curl -I https://ngrok.com   (is this machine online?)", "check proxy and VPN"],
    )


def no_token() -> TunnelError:
    """Say that there is no token."""
    return _error(_NO_TOKEN, "")


def no_agent(program: str, fix: Iterable[str]) -> TunnelError:
    """Say that the provider's program is not here."""
    return TunnelError(
        "tunnel-no-agent",
        f"{program} is not here",
        cause=f"there is no program {program} on PATH",
        fix=fix,
    )


def timed_out(what: str, seconds: float) -> TunnelError:
    """Say that the provider said nothing in time."""
    return TunnelError(
        "tunnel-timeout",
        f"{what} does not answer",
        cause=f"it said nothing within {seconds:g} s",
        fix=["check proxy, VPN and firewall", "alfred-dev tunnel open ...   (again)"],
    )


def changed(what: str) -> TunnelError:
    """Say that the provider's API is not as we know it."""
    return TunnelError(
        "tunnel-provider-changed",
        "the provider's API is not as we know it",
        cause=what,
        fix=["ngrok update", "update alfred-dev: git pull", OTHER],
    )


_SSH_FAULTS: tuple[tuple[str, Fault], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed",
        (
            "tunnel-host-key",
            "the host key has changed",
            "{host} is not the machine that it was, or somebody is in between",
            ("ask its administrator", "ssh-keygen -R {entry}   (when the change is right)"),
        ),
    ),
    (
        r"Host key verification failed|No .* host key is known",
        (
            "tunnel-host-key",
            "the host key is not known",
            "{host} was never visited from here, so nobody can tell whether it is the right one",
            ("ssh {there}   (once; compare the fingerprint)",),
        ),
    ),
    (
        r"Permission denied|Too many authentication failures",
        (
            "tunnel-denied",
            "the server does not let us in",
            "{host} accepts none of our keys (passwords are not asked for)",
            ("ssh-add, or ssh-copy-id {there}", "ssh {there}   (must work without a password)"),
        ),
    ),
    (
        r"port forwarding failed|forwarding request failed|administratively prohibited"
        r"|forwarding disabled",
        (
            "tunnel-forward-refused",
            "the server does not forward",
            "{host} allows no remote forwarding, or the port is taken there",
            ("AllowTcpForwarding yes   (in sshd_config of the server)",),
        ),
    ),
    (
        r"Could not resolve hostname|Name or service not known|Connection refused"
        r"|Network is unreachable|No route to host|nodename nor servname",
        (
            "tunnel-no-network",
            "the server cannot be reached from here",
            "{said}",
            ("ssh {there}   (must work)",),
        ),
    ),
    (
        r"timed out|Operation timed out",
        ("tunnel-timeout", "the server does not answer", "{said}", ("ssh {there}   (must work)",)),
    ),
)


def of_ssh(words: str, host: str, port: str = "") -> TunnelError:
    """Return the error behind what ssh printed."""
    said = plain("; ".join(_important(words)))
    machine = host.rpartition("@")[2]
    there = f"-p {port} {host}" if port else host
    entry = f"'[{machine}]:{port}'" if port else machine  # as known_hosts has it
    for pattern, (code, what, cause, fix) in _SSH_FAULTS:
        if re.search(pattern, words):
            return TunnelError(
                code,
                what,
                cause=cause.replace("{host}", host).replace("{said}", said),
                fix=[f.replace("{there}", there).replace("{entry}", entry) for f in fix],
            )
    return TunnelError(
        "tunnel-provider",
        "ssh has ended",
        cause=said or "it does not say why",
        fix=[f"ssh {there}   (must work)"],
    )


def _important(words: str) -> list[str]:
    lines = [line.strip() for line in words.splitlines()]
    return [line for line in lines if line and not line.startswith(("@", "Warning: Perm"))]
