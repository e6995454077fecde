"""Whether a webhook comes from whom it says: one function a sender. Pure; the clock is given."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SLACK_WINDOW_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Somebody who signs. ``setting``: the secret's key in ``.env``; ``limit``: bytes of a body.

    ``check(headers, body, secret, now)`` returns why a request is not theirs, empty when it is;
    ``headers``: names in lower case.
    """

    setting: str
    limit: int
    check: Callable[[Mapping[str, str], bytes, str, float], str]


def slack(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """Check Slack's signing-secret scheme, version v0; older than five minutes is a replay."""
    stamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not stamp or not signature:
        return "it bears no signature of Slack"
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return "its time stamp is no number"
    if abs(now - int(stamp)) > SLACK_WINDOW_S:
        return "its signature is too old, or the clock of this machine is wrong"
    expected = _hmac(secret, b"v0:" + stamp.encode() + b":" + body)
    return _same(f"v0={expected}", signature)


def github(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """Check GitHub's X-Hub-Signature-256. It has no time, so it cannot tell a replay."""
    signature = headers.get("x-hub-signature-256", "")
    if not signature:
        return "it bears no signature of GitHub"
    return _same(f"sha256={_hmac(secret, body)}", signature)


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _same(expected: str, signature: str) -> str:
    same = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return "" if same else "its signature does not fit"


SENDERS: Mapping[str, Sender] = {
    "slack": Sender(setting="SLACK_SIGNING_SECRET", limit=1 << 20, check=slack),
    # GitHub caps a payload at 25 MB.
    "github": Sender(setting="GITHUB_WEBHOOK_SECRET", limit=25 << 20, check=github),
}
