"""The text of a .env file: read, filled in, and the example of one. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from alfred_dev.catalog import unmerged
from alfred_dev.errors import ConfigError, Problem
from alfred_dev.settings import SETTINGS, url_quoted

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_OPENED = re.compile(rf"\s*(?:export\s+)?({_KEY.pattern})\s*=\s*[\"']")


def parse_env_file(data: bytes, *, file: str) -> dict[str, tuple[str, str | None]]:
    """Read a .env file: key -> (value, ``file:line``); the last of two wins, as in Compose.

    CRLF and a UTF-8 byte order mark are accepted. Raises ConfigError for other encodings and for
    lines that are no assignment, all at once; a value never stands in the message.
    """
    from dotenv.parser import parse_stream  # every stand-in imports this file, none reads .env

    text = _decoded(data, file=file)
    if conflicts := unmerged.markers(text, file):
        raise ConfigError(f"{file} cannot be read", conflicts)
    values: dict[str, tuple[str, str | None]] = {}
    problems = []
    for binding in parse_stream(io.StringIO(text)):
        line = binding.original.line + _leading_newlines(binding.original.string)
        if binding.key is None and not binding.error:
            continue  # a comment or blank lines
        if binding.value is None or not _KEY.fullmatch(binding.key or ""):
            problems.append(Problem(file, line, 1, _why(binding.original.string)))
        else:
            values[str(binding.key)] = (binding.value, f"{file}:{line}")
    if problems:
        fix = [f"correct or comment out line {problem.line} of {file}" for problem in problems]
        raise ConfigError(f"{file} cannot be read", problems, fix=fix)
    return values


def _why(text: str) -> str:
    """Return why a line is no assignment; what it holds may be a secret."""
    if match := _OPENED.match(text):
        return f"{match[1]}: a quote is opened and never closed"
    return "expected KEY=VALUE"


def _leading_newlines(text: str) -> int:
    blank = text[: len(text) - len(text.lstrip())]
    return blank.replace("\r\n", "\n").count("\n")


def _decoded(data: bytes, *, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:4096]:
        problem = Problem(file, 1, 1, "the file is UTF-16 (or binary), not UTF-8")
        fix = [_recoded("UTF-16", file)]
        raise ConfigError(f"{file} cannot be read", [problem], fix=fix)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = Problem(file, line, 1, "this line is not UTF-8")
        fix = [_recoded("LATIN1", file)]
        raise ConfigError(f"{file} cannot be read", [problem], fix=fix) from error


def _recoded(code: str, file: str) -> str:
    """Return what saves ``file`` as UTF-8, so that nobody else may read it meanwhile or after."""
    return f"(umask 077; iconv -f {code} -t UTF-8 {file} > {file}.utf8) && mv {file}.utf8 {file}"


def with_values(data: bytes, additions: Mapping[str, str]) -> bytes:
    """Return a .env file with ``additions``; every other byte stays as it is.

    An empty assignment of a key is filled in place, a key that is absent is appended; the file's
    own line ending is kept. Values must need no quoting.
    """
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    for key, value in additions.items():
        assignment = f"{key}={value}".encode()
        empty = re.compile(rb"^[ \t]*(?:export[ \t]+)?%s[ \t]*=[ \t]*(?:''|\"\")?[ \t]*(?=\r?$)"
                           % key.encode(), re.MULTILINE)  # fmt: skip
        data, filled = empty.subn(lambda _, line=assignment: line, data)  # type: ignore[misc]
        if not filled:
            data += (newline if data and not data.endswith(b"\n") else b"") + assignment + newline
    return data


# Secrets that stand in URLs. Compose cannot percent-encode: where one needs it, .env has it twice.
IN_URLS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")


def url_twin(key: str) -> str:
    """Return the name under which the percent-encoded form of a secret is kept."""
    return f"{key}_URL"


def url_twins(values: Mapping[str, str]) -> dict[str, str]:
    """Return the percent-encoded form of each secret in ``values`` that differs from it."""
    known = {key: values.get(key, "") for key in IN_URLS}
    encoded = {key: url_quoted(text) for key, text in known.items()}
    return {url_twin(key): encoded[key] for key, text in known.items() if encoded[key] != text}


def with_url_twins(data: bytes, *, file: str) -> bytes:
    """Return a .env file with exactly the twins that its own secrets need. Raises ConfigError."""
    values = {key: text for key, (text, _) in parse_env_file(data, file=file).items()}
    twins = url_twins(values)
    for key in map(url_twin, IN_URLS):
        if values.get(key) != twins.get(key):
            line = rb"^[ \t]*(?:export[ \t]+)?%s[ \t]*=[^\n]*(?:\n|\Z)" % key.encode()
            data = re.sub(line, b"", data, flags=re.MULTILINE)
            data = with_values(data, {key: twins[key]} if key in twins else {})
    return data


def example() -> str:
    """Return .env.example: every setting with its default."""
    lines = [
        "# Every setting of alfred-dev with its default. Written by scripts/golden from",
        "# alfred_dev/settings.py. Copy what you want to change into .env; secrets that are empty",
        "# are made at random on first use.",
    ]
    for setting in SETTINGS:
        note = " Made at random." if setting.generated else ""
        lines += ["", f"# {setting.about}{note}", f"{setting.key}={setting.default}"]
    return "\n".join(lines) + "\n"
