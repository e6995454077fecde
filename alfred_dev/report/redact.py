"""Takes secrets out of text that is to leave this machine. Pure.

Known values first, in every spelling; then whatever looks like a secret to who reads it: what is
taken out too much costs a question, what is left costs a password.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, quote_plus

GONE = "***"
SHORTEST = 4  # what is shorter is no secret, and stands in too many words
_SECRET_NAME = re.compile(
    r"(?i)pass(word|wd|phrase)?|pwd|secret|token|credential|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|auth(orization|toke?n)?$|cookie|session|signature|dsn|connection[_-]?string"
)
_NAME = (
    r"[\w.-]*(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|account[_-]?key|signature|session[_-]?id|authtoken|connection[_-]?string)[\w.-]*"
)
_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,;&"'}\])]+)"""
_Replace = str | Callable[[re.Match[str]], str]
_PATTERNS: tuple[tuple[re.Pattern[str], _Replace], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
                re.DOTALL), GONE),
    # user:password@host of any URL; the user may be the secret, too
    (re.compile(r"(?<=://)[^\s/@\"'<>]+@"), f"{GONE}@"),
    (re.compile(r"(?im)^(.*?\b(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)([^\n]*)$"),
     rf"\1{GONE}"),
    (re.compile(r"(?im)^(.*?\b(?:set-)?cookie[\"']?\s*[:=]\s*)([^\n]*)$"), rf"\1{GONE}"),
    (re.compile(r"(?i)\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{6,}"), rf"\1 {GONE}"),
    (re.compile(rf"""(?i)(["']?\b{_NAME}["']?\s*(?:=>|:=|[:=])\s*){_VALUE}"""), rf"\1{GONE}"),
    (re.compile(rf"(?i)(\b{_NAME}\s+(?:is|was)\s+){_VALUE}"), rf"\1{GONE}"),
    (re.compile(rf"(?i)(--?{_NAME}\s+)(?!-){_VALUE}"), rf"\1{GONE}"),
    (re.compile(r"\beyJ[\w-]{5,}(?:\.[\w-]*){0,4}"), GONE),  # JWT
    (re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|xox[abprs]|glpat|npm|pypi|hf|whsec|dop_v1|"
                r"github_pat|AKIA|ASIA|AIza|ya29|SG|ngrok)[-_.]?[\w.-]{12,}"), GONE),
    # Long and like dice: hexadecimal, or letters of both cases with digits.
    (re.compile(r"(?<![\w/.-])(?:[0-9a-fA-F]{32,})(?![\w-])"), GONE),
    (re.compile(r"(?<![\w/.-])(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])(?=[\w+=-]*\d)[\w+-]{24,}={0,2}"),
     GONE),
)  # fmt: skip


def looks_secret(name: str) -> bool:
    """Tell whether a variable of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def values(variables: Mapping[str, str]) -> set[str]:
    """Return the values that must not be shown."""
    return {text for name, text in variables.items() if looks_secret(name) and text}


def redact(text: str, known: Iterable[str], *, home: str = "", user: str = "") -> str:
    """Return ``text`` without secrets, and without the user's name and home folder."""
    spellings = {s for value in known if len(value) >= SHORTEST for s in _spellings(value)}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, GONE)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    if len(home) > 1:
        text = text.replace(home, "~")
    if len(user) > 2 and user != "root":
        text = re.sub(rf"(?<!\w){re.escape(user)}(?!\w)", "(user)", text)
    return text


def _spellings(value: str) -> set[str]:
    """Return a value as it may be written: in URLs, in JSON, in base64, in hexadecimal."""
    data = value.encode()
    found = {value, quote(value, safe=""), quote(value), quote_plus(value), data.hex()}
    found |= {json.dumps(value)[1:-1], repr(value)[1:-1]}
    if len(value) >= 8:
        found |= {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    return {spelling for spelling in found if len(spelling) >= SHORTEST}
