"""YAML text -> a tree that knows where everything stands. Pure, bounded, never recursive on input.

An alias is the same node again, not a copy. What would grow beyond ``MAX_NODES`` when written out,
or nests deeper than ``MAX_DEPTH``, is refused: no input may cost more than it is worth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from alfred_dev.errors import Problem, Where

MAX_BYTES = 300_000  # five times the largest compose file that we know of
MAX_NODES = 40_000
MAX_DEPTH = 40
HOLE = "\ue000"  # stands in a text for the value of a variable that nobody sets
MERGE = "<<"
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
# The C parser where there is one: the same events at a tenth of the time.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Ref:
    """One use of a variable. ``source``: env, example, default, unset, or required."""

    name: str
    operator: str
    default: str
    source: str
    where: Where


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value. ``text``: as Compose sees it, holes included; ``raw``: as it is written."""

    where: Where
    text: str
    raw: str
    plain: bool = True
    tag: str | None = None
    refs: tuple[Ref, ...] = ()
    block: bool = False  # written as | or >: its text begins one line further down

    def line_of(self, offset: int) -> Where:
        """Return where the character at ``offset`` of the raw text stands, as a line."""
        below = self.raw.count("\n", 0, max(offset, 0)) + (1 if self.block else 0)
        return Where(self.where.file, self.where.line + below, self.where.column)

    @property
    def null(self) -> bool:
        """Whether this is YAML's null."""
        return self.plain and self.raw in NULLS

    @property
    def value(self) -> str:
        """What Compose makes of it: an unset variable is nothing."""
        return self.text.replace(HOLE, "")


@dataclass(frozen=True, slots=True)
class Seq:
    """A list."""

    where: Where
    items: tuple[Node, ...] = ()
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping. ``keys``: where each key stands. An inherited key stands where it was written."""

    where: Where
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Where] = field(default_factory=dict)
    tag: str | None = None

    def get(self, key: str) -> Node | None:
        """Return the value of ``key``, or None."""
        return self.items.get(key)

    def at(self, key: str) -> Where:
        """Return where ``key`` stands, else where the mapping begins."""
        return self.keys.get(key, self.where)


Node: TypeAlias = Scalar | Seq | Map


class RefusedError(Exception):
    """The text cannot be read; ``problem`` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    where: Where
    mapping: bool
    tag: str | None
    anchor: str | None
    children: list[tuple[Node, int]] = field(default_factory=list)


def parse(text: str, *, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Read the first document. Returns the tree, if any, and what is wrong with the text."""
    if len(text) > MAX_BYTES:
        return None, (Problem(file, 1, 1, f"larger than {MAX_BYTES} bytes: not read"),)
    builder = _Builder(file)
    try:
        root = builder.build(text)
    except RefusedError as error:
        return None, (*builder.problems, error.problem)
    except yaml.MarkedYAMLError as error:
        return None, (_marked(file, error),)
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        return None, (Problem(file, 1, 1, _first_line(str(error))),)
    return root, tuple(builder.problems)


def _marked(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(file, line, column, _first_line(error.problem or "not YAML"))


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "not YAML")[:200]


class _Builder:
    """Events in, tree out, with a stack of our own: depth costs memory, never Python's stack."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.stack: list[_Open] = []
        self.nodes = 0

    def build(self, text: str) -> Node | None:
        for event in yaml.parse(text, Loader=LOADER):
            if isinstance(event, yaml.DocumentEndEvent):
                return None
            done = self._take(event)
            if done is not None and not self.stack:
                return done[0]
            if done is not None:
                self.stack[-1].children.append(done)
        return None

    def _take(self, event: Any) -> tuple[Node, int] | None:
        """Return the node, and its size written out, that ends with this event."""
        if isinstance(event, yaml.ScalarEvent):
            return self._kept(event.anchor, self._scalar(event), 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            return self._close()
        return None

    def _where(self, mark: Any) -> Where:
        return Where(self.file, mark.line + 1, mark.column + 1)

    def _scalar(self, event: Any) -> Scalar:
        where = self._where(event.start_mark)
        plain = event.style in (None, "") and event.tag != "!!str"
        block = event.style in ("|", ">")
        return Scalar(where, event.value, event.value, plain, event.tag, block=block)

    def _alias(self, event: Any) -> tuple[Node, int]:
        where = self._where(event.start_mark)
        if event.anchor not in self.anchors:
            self._refuse(where, f"the anchor &{event.anchor} is not defined before it is used")
        node, size = self.anchors[event.anchor]
        self._count(where, size)
        return node, size

    def _open(self, event: Any) -> None:
        where = self._where(event.start_mark)
        if len(self.stack) >= MAX_DEPTH:
            self._refuse(where, f"nested deeper than {MAX_DEPTH} levels: not read")
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open(where, mapping, event.tag, event.anchor))

    def _close(self) -> tuple[Node, int]:
        opened = self.stack.pop()
        size = 1 + sum(size for _, size in opened.children)
        if opened.mapping:
            return self._kept(opened.anchor, self._mapping(opened), size)
        items = tuple(node for node, _ in opened.children)
        return self._kept(opened.anchor, Seq(opened.where, items, opened.tag), size)

    def _kept(self, anchor: str | None, node: Node, size: int) -> tuple[Node, int]:
        self._count(node.where, 1)
        if anchor:
            self.anchors[anchor] = node, size
        return node, size

    def _count(self, where: Where, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            self._refuse(where, f"more than {MAX_NODES} values once its aliases are written out")

    def _mapping(self, opened: _Open) -> Map:
        found = Map(opened.where, tag=opened.tag)
        merged: list[Node] = []
        nodes = [node for node, _ in opened.children]
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._say(key.where, "a key must be a simple value")
            elif key.raw == MERGE and key.plain:
                merged.append(value)
            elif key.raw in found.items:
                self._say(key.where, _twice(key.raw, found.keys[key.raw]))
            else:
                found.items[key.raw], found.keys[key.raw] = value, key.where
        for value in merged:
            self._inherit(found, value)
        return found

    def _inherit(self, found: Map, value: Node) -> None:
        for base in value.items if isinstance(value, Seq) else (value,):
            if not isinstance(base, Map):
                self._say(base.where, "<< takes mappings only")
                continue
            self._count(base.where, len(base.items))
            for key, child in base.items.items():
                if key not in found.items:
                    found.items[key], found.keys[key] = child, base.keys[key]

    def _say(self, where: Where, message: str) -> None:
        self.problems.append(Problem(where.file, where.line, where.column, message))

    def _refuse(self, where: Where, message: str) -> None:
        raise RefusedError(Problem(where.file, where.line, where.column, message))


def _twice(key: str, first: Where) -> str:
    return f"the key {printable(key)} is already defined in line {first.line}"


def printable(text: str, width: int = 60) -> str:
    """Return ``text`` fit for one line of a message."""
    clean = re.sub(r"[^ -~\u00a0-\ud7ff]", "?", text.replace(HOLE, ""))
    return clean if len(clean) <= width else clean[: width - 1] + "…"


def scalars(node: Node | None, *, limit: int = 20_000) -> Iterator[Scalar]:
    """Yield every value under ``node``, in order, ``limit`` at most."""
    stack = [node] if node is not None else []
    while stack and limit:
        here = stack.pop()
        if isinstance(here, Scalar):
            limit -= 1
            yield here
        elif isinstance(here, Seq):
            stack.extend(reversed(here.items))
        else:
            stack.extend(reversed(here.items.values()))
