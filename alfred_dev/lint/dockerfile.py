"""Dockerfile text -> what the image of its last stage, or of a named one, will be. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alfred_dev.lint.build import split
from alfred_dev.lint.files import join, parent

HEREDOC = re.compile(r"<<-?['\"]?([A-Za-z_]\w*)['\"]?")
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))")
PLAIN = re.compile(r"(?!.*\.\.)[\w@.-][\w@./-]{0,200}")  # a path without patterns and variables
MAX_LINES = 5_000
MAX_STAGES = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction. ``line`` counts from 1."""

    line: int
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """One image. ``base``: where it begins, None when unknown; lists go from base to end."""

    path: str
    base: str | None
    steps: tuple[Step, ...]
    args: Mapping[str, str]
    target_missing: bool = False

    def all(self, name: str) -> Iterator[Step]:
        """Yield the instructions of one name, in order."""
        return (step for step in self.steps if step.name == name)

    def last(self, name: str) -> Step | None:
        """Return the last instruction of one name."""
        return next((s for s in reversed(self.steps) if s.name == name), None)

    @property
    def exposed(self) -> dict[int, int]:
        """Ports of EXPOSE lines, with the line."""
        found: dict[int, int] = {}
        for step in self.all("EXPOSE"):
            for word in self.filled(step.text).split():
                number = word.partition("/")[0]
                if number.isdecimal() and len(number) <= 5:
                    found[int(number)] = step.line
        return found

    @property
    def environment(self) -> dict[str, tuple[str, int]]:
        """Variables of ENV lines, with the line."""
        found: dict[str, tuple[str, int]] = {}
        for step in self.all("ENV"):
            for key, value in assigned(step.text):
                found[key] = self.filled(value), step.line
        return found

    def command(self, name: str) -> tuple[str, ...] | None:
        """Return the words of CMD or ENTRYPOINT; those of the shell form come after sh -c."""
        step = self.last(name)
        return words(step.text) if step else None

    @property
    def runs(self) -> str:
        """Everything that RUN lines do, as one text."""
        return "\n".join(step.text for step in self.all("RUN"))

    def filled(self, text: str) -> str:
        """Return the text with ARGs filled in, as far as they are known."""
        return VARIABLE.sub(lambda m: self.args.get(m[1] or m[3], m[2] or m[0]), text)


def copied(found: Dockerfile) -> Iterator[tuple[Step, str]]:
    """Yield what COPY and ADD take from the context: plain names alone, no patterns."""
    for step in found.steps:
        if step.name not in ("COPY", "ADD") or "<<" in step.text or len(step.text) > 2_000:
            continue
        parts = words(step.text) if step.text.startswith("[") else tuple(split(step.text))
        names = [w for w in parts if not w.startswith("--")]
        if any(w.startswith("--from") for w in parts) or names[:1] == ["/bin/sh"]:
            continue
        yield from ((step, w) for w in names[:-1][:20] if PLAIN.fullmatch(w))


def elsewhere(found: Dockerfile, context: str, source: str) -> tuple[str, ...]:
    """Return where ``source`` would lie if somebody had another context in mind."""
    return join(parent(context), source), join(parent(found.path), source)


def parse(text: str, *, path: str, target: str | None, args: Mapping[str, str]) -> Dockerfile:
    """Read the text as Docker would build it with ``args``."""
    steps = tuple(instructions(text))
    known: dict[str, str] = {}
    for step in steps:
        if step.name == "ARG":
            known.update((k, args.get(k, v)) for k, v in assigned(step.text, bare=True))
    known |= args
    stages = _stages(steps)
    names = {name: number for number, (name, _, _) in enumerate(stages) if name}
    chosen = _chosen(names, target, len(stages))
    lines, base = _chain(stages, names, chosen, known)
    missing = target is not None and target not in names and not target.isdecimal()
    return Dockerfile(path=path, base=base, steps=lines, args=known, target_missing=missing)


def _chosen(names: Mapping[str, int], target: str | None, count: int) -> int:
    if target and target.isdecimal() and int(target) < count:
        return int(target)
    return names.get(target.lower() if target else "", count - 1)


def instructions(text: str) -> Iterator[Step]:
    """Yield the instructions, continuation lines joined, here-documents with their text."""
    lines = text.splitlines()[:MAX_LINES]
    at = 0
    while at < len(lines):
        parts: list[str] = []
        begin = at
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.lstrip().startswith("#"):
                if not parts:
                    break
                continue
            parts.append(line.rstrip().removesuffix("\\"))
            if not line.rstrip().endswith("\\"):
                break
        joined = " ".join(parts).strip()
        for tag in HEREDOC.findall(joined)[:5]:
            at, body = _heredoc(lines, at, tag)
            joined += "\n" + body
        name, _, rest = joined.partition(" ")
        if name.isalpha():
            yield Step(begin + 1, name.upper(), rest.strip())


def _heredoc(lines: list[str], at: int, tag: str) -> tuple[int, str]:
    end = next((n for n in range(at, len(lines)) if lines[n].strip() == tag), len(lines))
    return end + 1, "\n".join(lines[at:end])


Stage = tuple[str | None, str, tuple[Step, ...]]


def _stages(steps: tuple[Step, ...]) -> list[Stage]:
    """Return name, base and instructions of every stage."""
    found: list[Stage] = []
    for step in steps:
        if step.name == "FROM":
            parts = [w for w in step.text.split() if not w.startswith("--")]
            name = parts[2].lower() if len(parts) > 2 and parts[1].lower() == "as" else None
            found.append((name, parts[0] if parts else "", ()))
        elif found:
            name, base, inner = found[-1]
            found[-1] = name, base, (*inner, step)
    return found[-MAX_STAGES:]


def _chain(
    stages: list[Stage], names: Mapping[str, int], chosen: int, args: Mapping[str, str]
) -> tuple[tuple[Step, ...], str | None]:
    """Follow a stage down to the image that it begins with."""
    steps: tuple[Step, ...] = ()
    seen: set[int] = set()
    while 0 <= chosen < len(stages) and chosen not in seen:
        seen.add(chosen)
        _, base, inner = stages[chosen]
        steps = inner + steps
        base = VARIABLE.sub(lambda m: args.get(m[1] or m[3]) or m[2] or m[0], base)
        if base.lower() not in names:
            return steps, None if "$" in base else base
        chosen = names[base.lower()]
    return steps, None


def assigned(text: str, *, bare: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the assignments of an ENV, LABEL or ARG line."""
    head, _, rest = text.partition(" ")
    if "=" not in head:
        if head:
            yield head, "" if bare else rest.strip()
        return
    for word in split(text):
        key, _, value = word.partition("=")
        yield key, value


def words(text: str) -> tuple[str, ...]:
    """Return the words of a CMD: its JSON form, or the shell form as Docker runs it."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(w, str) for w in found):
            return tuple(found)
    return ("/bin/sh", "-c", text)
