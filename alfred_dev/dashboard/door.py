"""Who may read and change: the one local user, by a secret that only this user can read. Pure.

A cookie holds no secret of the file, and tells apart dashboards on other ports: browsers do not.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

CODE_LIFE_S = 60.0
COOKIE_LIFE_S = 7 * 86400


def cookie_name(port: int) -> str:
    """Return the name of the cookie of the dashboard on ``port``."""
    return f"alfred-dashboard-{port}"


def cookie_value(secret: str) -> str:
    """Return what a browser that was let in shows."""
    return hmac.new(secret.encode(), b"cookie", hashlib.sha256).hexdigest()


def is_known(headers: Mapping[str, str], secret: str, port: int) -> bool:
    """Tell whether a request comes from a browser or a program of the local user."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), secret.encode()):
        return True
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return False
    shown = jar.get(cookie_name(port))
    return shown is not None and hmac.compare_digest(
        shown.value.encode(), cookie_value(secret).encode()
    )


def is_foreign(headers: Mapping[str, str], *, changes: bool) -> str:
    """Return why a request is another page's; nothing when it is not.

    Other pages of this machine are of the same site for a browser: a cookie reaches us from them.
    """
    site = headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none"):
        return "a page of another origin may not call this"
    origin = headers.get("origin")
    if origin is None:
        bearer = headers.get("authorization", "").lower().startswith("bearer ")
        return "" if bearer or not changes else "a change needs an Origin, or the token"
    ours, theirs = headers.get("host", ""), urlsplit(origin).netloc
    same = theirs == ours or (":" not in ours and theirs.partition(":")[0] == ours)
    return "" if same else "a page of another origin may not call this"


class Codes:
    """Codes that let a browser in once, soon."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def give(self, code: str, now: float) -> str:
        """Remember a new code and return it."""
        self._until = {c: t for c, t in self._until.items() if t > now}
        self._until[code] = now + CODE_LIFE_S
        return code

    def take(self, code: str, now: float) -> bool:
        """Tell whether ``code`` lets in, for the only time."""
        return self._until.pop(code, 0.0) > now
