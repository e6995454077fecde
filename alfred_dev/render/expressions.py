"""Text as Compose must read it: settings stay expressions, everything else stays itself.

A value of ``.env`` never stands in a rendered file: Compose takes it from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from alfred_dev.catalog.model import Service
from alfred_dev.envtext import url_twin
from alfred_dev.errors import ConfigError, Problem
from alfred_dev.settings import BY_KEY, Settings

MISSING = "run alfred-dev up, it makes .env"
# What may stand as a default inside ${...}: nothing that Compose gives a meaning to.
_PLAIN = re.compile(r"[A-Za-z0-9._:/@ -]*")
# Layers that are part of the project. The others are this machine's, and Compose reads them itself.
_PROJECT_LAYERS = ("alfred.yaml", "default")


def literal(text: str) -> str:
    """Return ``text`` so that Compose changes nothing in it."""
    return text.replace("$", "$$")


def setting(settings: Settings, key: str, service: Service) -> str:
    """Return the expression for a setting. Raises ConfigError when there is no such setting."""
    known = BY_KEY.get(key)
    if known is None:
        raise _mistake(service, f"{service.id} names {{{key}}}, which is no setting")
    if known.generated:
        return f"${{{key}:?{MISSING}}}"
    if known.secret:
        return f"${{{key}:-}}"
    value = settings.values[key]
    layers = ((value.text, value.origin), *value.shadowed)
    text = next((text for text, origin in layers if origin.layer in _PROJECT_LAYERS), "")
    return f"${{{key}:-{text}}}" if _PLAIN.fullmatch(text) else literal(text)


def in_url(settings: Settings, key: str, service: Service) -> str:
    """Return the expression for a setting inside a URL: its percent-encoded twin where it has one.

    Raises ConfigError when there is no such setting.
    """
    plain = setting(settings, key, service)
    return f"${{{url_twin(key)}:-{plain}}}" if BY_KEY[key].secret else plain


def in_command(settings: Settings, key: str, service: Service) -> str:
    """Return the expression for a setting on a command line. Raises ConfigError for a secret."""
    if key in BY_KEY and BY_KEY[key].secret:
        raise _mistake(service, f"{service.id} has the secret {key} on a command line")
    return setting(settings, key, service)


def _mistake(service: Service, message: str) -> ConfigError:
    where = service.where
    problem = Problem(where.file, where.line, where.column, message)
    return ConfigError("the compose file cannot be written", [problem])


def resolved(text: str, values: Mapping[str, str]) -> str:
    """Return ``text`` as Compose reads it when it is given ``values``: what a container gets.

    Knows the expressions that are written here: ``$$``, ``${KEY:-default}``, ``${KEY:?message}``.
    """
    found, rest = [], text
    while rest:
        before, dollar, rest = rest.partition("$")
        found.append(before)
        if rest.startswith("$"):
            found.append("$")
            rest = rest[1:]
        elif dollar:
            end = _end(rest)
            found.append(_value(rest[1:end], values))
            rest = rest[end + 1 :]
    return "".join(found)


def _value(expression: str, values: Mapping[str, str]) -> str:
    key, _, default = expression.partition(":")
    return values.get(key) or (resolved(default[1:], values) if default.startswith("-") else "")


def _end(text: str) -> int:
    """Return where the brace closes that ``text`` begins with."""
    depth = 0
    for index, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return index
    return len(text)
