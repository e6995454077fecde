"""``.env`` text -> variables with their lines, in Compose's grammar. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alfred_dev.errors import Problem, Where
from alfred_dev.lint import interpolate
from alfred_dev.lint.interpolate import Setting

ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.\-]*)[ \t]*([=:])[ \t]*(.*)\Z")
BARE = re.compile(r"[ \t]*(?:export[ \t]+)?[A-Za-z_][\w.\-]*[ \t]*(?:#.*)?\Z")
ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
EXAMPLE_WORDS = ("example", "sample", "template", "dist")
MAX_LINES = 20_000
NOTHING: interpolate.Scope = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFile:
    """A file of variables. ``crlf``: the line with the first Windows line end, or None."""

    file: str
    values: dict[str, Setting]
    problems: tuple[Problem, ...] = ()
    crlf: int | None = None


def examples(name: str) -> tuple[str, ...]:
    """Return what an example of an env file may be called: .env.a.example, .env.example.a, ..."""
    parts = name.split(".")
    return tuple(
        ".".join((*parts[:at], word, *parts[at:]))
        for word in EXAMPLE_WORDS
        for at in range(len(parts), 0, -1)
    )


def parse(
    text: str, *, file: str, source: str = "env", scope: interpolate.Scope = NOTHING
) -> EnvFile:
    """Read the text. ``scope``: variables it may refer to, besides its own earlier ones."""
    values: dict[str, Setting] = {}
    problems: list[Problem] = []
    lines = text.split("\n")[:MAX_LINES]
    crlf = next((n for n, line in enumerate(lines, 1) if line.endswith("\r")), None)
    at = 0
    while at < len(lines):
        line, number = lines[at].rstrip("\r"), at + 1
        at += 1
        found = ASSIGNMENT.match(line)
        if not line.strip() or line.lstrip().startswith("#") or (not found and BARE.match(line)):
            continue
        if not found:
            problems.append(Problem(file, number, 1, "not a KEY=VALUE line"))
            continue
        raw, at = _joined(found[3], lines, at)
        where = Where(file, number, 1)
        values[found[1]] = Setting(_value(raw, {**scope, **values}, where), source, where)
    return EnvFile(file=file, values=values, problems=tuple(problems), crlf=crlf)


def _joined(value: str, lines: list[str], at: int) -> tuple[str, int]:
    """Return a quoted value with the lines it runs over, and the line that follows."""
    quote = value[:1]
    if quote not in ("'", '"'):
        return value, at
    parts = [value]
    seen = _ends(value[1:], quote)
    begin = at
    while not seen and at < len(lines) and at - begin < 200:
        parts.append(lines[at].rstrip("\r"))
        seen = _ends(lines[at], quote)
        at += 1
    return ("\n".join(parts), at) if seen else (value, begin)


def _ends(text: str, quote: str) -> bool:
    return quote in text.replace("\\" + quote, "")


def _value(raw: str, scope: interpolate.Scope, where: Where) -> str:
    if raw[:1] == "'":
        return raw[1:].partition("'")[0]
    if raw[:1] == '"':
        return _filled(_unescaped(raw[1:]), scope, where)
    bare = re.split(r"(?:^|[ \t])#", raw, maxsplit=1)[0].strip()
    return _filled(bare, scope, where)


def _unescaped(text: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
            out.append(ESCAPES.get(text[at], text[at] if text[at] in '"\\' else "\\" + text[at]))
        else:
            out.append(text[at])
        at += 1
    return "".join(out)


def _filled(value: str, scope: interpolate.Scope, where: Where) -> str:
    try:
        return interpolate.text(value, scope, where)[0]
    except interpolate.InvalidError:
        return value
