"""Inputs that nobody means: mutated projects, hostile YAML, broken Dockerfiles and .env files."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from alfred_dev.lint.rules import rules
from alfred_dev.lint.run import lint_paths
from tests.unit.lint import planting
from tests.unit.lint.worlds import CONTEXT, Memory, files

TOKENS = (
    "${", "}", "$", "$$", "${A:-${B:-${C", "&a", "*a", "<<: *a", "!reset", "!override", "- ",
    ": ", "{", "}", "[", "]", "'", "\"", "|", ">", "#", "\t", "\n", "\r\n", "\u0000", "", "é",
    "日", "?", "~", "null", "0x10", "1e999", "-1", "99999999999999999999", "65536", ":::",
    "[::1]:80:80", "8000-9000:8000-9000", "!!binary x", "%YAML 1.1", "---", "...", 'x' * 3000,
    'a: ' * 50, '[' * 60, '{a: ' * 45, "postgres://", "http://a:b@c:d/e",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "CMD-SHELL", "localhost:",
    "extends: {file: compose.yaml, service: redis}", "include: [compose.yaml]",
    "depends_on: {redis: {condition: x}}", "ports: {a: b}", "env_file: [.env]", "build: .",
)  # fmt: skip
Mutation = Callable[[random.Random, str], str]


def _cut(chance: random.Random, text: str) -> str:
    begin = chance.randrange(len(text) + 1)
    return text[:begin] + text[begin + chance.randrange(60) :]


def _insert(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    return text[:at] + chance.choice(TOKENS) + text[at:]


def _flip(chance: random.Random, text: str) -> str:
    if not text:
        return text
    at = chance.randrange(len(text))
    return (
        text[:at]
        + chr(chance.choice((chance.randrange(128), chance.randrange(0xD7FF))))
        + text[at + 1 :]
    )


def _lines(chance: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    what = chance.randrange(3)
    if what == 0:
        lines[at] = " " * chance.randrange(8) + lines[at].lstrip()
    elif what == 1:
        lines.insert(at, chance.choice(lines))
    else:
        lines[at] = chance.choice(lines).split(":")[0] + ": " + chance.choice(TOKENS)
    return "\n".join(lines)


def _bomb(chance: random.Random, text: str) -> str:
    width, depth = chance.randrange(2, 12), chance.randrange(2, 12)
    rows = [
        f"x{n}: &x{n} [{', '.join([f'*x{n - 1}' if n else 'boom'] * width)}]" for n in range(depth)
    ]
    return "\n".join(rows) + "\n" + text


def _repeat(chance: random.Random, text: str) -> str:
    token = chance.choice(TOKENS)
    return _insert(chance, text).replace(token, token * chance.randrange(1, 200), 1)[:200_000]


MUTATIONS: tuple[Mutation, ...] = (_cut, _insert, _flip, _lines, _lines, _insert, _bomb, _repeat)
NAMES = (
    "compose.yaml", "compose.override.yaml", ".env", ".env.example", "Dockerfile",
    "prometheus.yml",
)  # fmt: skip


def _seeds() -> list[dict[str, str]]:
    examples = [files(text) for rule in rules() for text in (rule.bad, rule.good)]
    return [*examples, *(planting.valid(n, 2 + n % 4) for n in range(12))]


def mutated(seed: int, seeds: list[dict[str, str]]) -> dict[str, str]:
    """Return one project that has gone through a few mutations."""
    chance = random.Random(seed)
    texts = dict(chance.choice(seeds))
    if chance.random() < 0.2:
        texts[chance.choice(NAMES)] = chance.choice(
            chance.choice(seeds).copy().popitem()[1].split("\n") or [""]
        )
    for _ in range(chance.randrange(1, 6)):
        name = chance.choice(sorted(texts))
        texts[name] = chance.choice(MUTATIONS)(chance, texts[name])
    return texts


def run(numbers: Iterable[int]) -> float:
    """Lint them all; return the processor seconds of the slowest. An error names its input."""
    seeds = _seeds()
    worst = 0.0
    for number in numbers:
        texts = mutated(number, seeds)
        began = time.process_time()
        try:
            report = lint_paths(["."], context=CONTEXT, files=Memory(texts))
        except Exception as error:
            error.add_note(f"mutated input {number}")
            raise
        for finding in report.findings:
            assert finding.where.line >= 1
        worst = max(worst, time.process_time() - began)
    return worst
