"""A schema for YAML files that people write, read with the place of every value.

``read`` walks the nodes of a document, not the values that PyYAML would make of them, so that
``1025:25`` stays text (YAML 1.1 would read the number 61525), a key given twice is seen, and each
mistake has a line and a column. All mistakes are collected; none stops the reading.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from alfred_dev.catalog import unmerged
from alfred_dev.errors import Problem, Where

Path = tuple[str | int, ...]
Mark = tuple[int, int]

# An alias may stand for a large part of the file, and so on (a "billion laughs"): an honest file
# of a thousand services has about 50,000 nodes.
MAX_NODES = 200_000
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Text:
    """A string; ``choices`` closes it, ``pattern`` (a full match) shapes it."""

    about: str
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    about: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""

    about: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of ``item``."""

    about: str
    item: Spec


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping whose keys match ``key``; editors offer the known names of ``offers`` for them."""

    about: str
    item: Spec
    key: str = r"[A-Za-z0-9_.-]+"
    offers: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with the given fields; any other key is a mistake."""

    about: str
    fields: Mapping[str, Spec]
    required: frozenset[str] = frozenset()


Spec = Text | Whole | Flag | ListOf | MapOf | Record


@dataclass(slots=True)
class Document:
    """What was read: plain data, the place of every path in it, and every mistake."""

    file: str
    data: Any = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def mark(self, *path: str | int) -> Mark:
        """Return line and column of ``path``, or of the nearest thing around it that is there."""
        while path not in self.marks and path:
            path = path[:-1]
        return self.marks.get(path, (1, 1))

    def where(self, *path: str | int) -> Where:
        """Return the place of ``path``, or of the nearest thing around it that is there."""
        return Where(self.file, *self.mark(*path))

    def problem(self, message: str, *path: str | int) -> None:
        """Note a mistake at ``path``."""
        self.problems.append(Problem(self.file, *self.mark(*path), message))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` or nothing."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""


def read(text: str, spec: Spec, *, file: str) -> Document:
    """Read ``text`` by ``spec``. Never raises for what the text says: see ``problems``."""
    document = Document(file)
    if conflicts := unmerged.markers(text, file):
        document.problems += conflicts
        return document
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if _depth(text, loader) > MAX_DEPTH:
            document.problem(f"the file is nested deeper than {MAX_DEPTH} levels")
            return document
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = error.problem or error.context or "not YAML"
        if any(ln[place[1] - 1 :].startswith("\t") for ln in text.split("\n")[place[0] - 1 :][:1]):
            reason = "a tab; YAML is indented by spaces"
        document.problems.append(Problem(file, *place, f"not valid YAML: {reason}"))
        return document
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        document.problems.append(Problem(file, 1, 1, f"not valid YAML: {reason}"))
        return document
    reader = _Reader(document)
    try:
        document.data = {} if root is None else reader.value(root, spec, ())
    except _TooLargeError:
        document.problem(f"the file stands for more than {MAX_NODES} values (aliases of aliases?)")
    except RecursionError:
        document.problem("the file is nested too deeply")
    return document


def _depth(text: str, loader: Any) -> int:
    """Return how deep ``text`` is nested, seen by its events: building it could break the stack."""
    depth = deepest = 0
    for event in yaml.parse(text, Loader=loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            break
    return deepest


class _TooLargeError(Exception):
    """The document expands to more nodes than any honest file."""


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.nodes = 0

    def value(self, node: yaml.Node, spec: Spec, path: Path) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _TooLargeError
        mark = node.start_mark
        self.document.marks.setdefault(path, (mark.line + 1, mark.column + 1))
        match spec:
            case Record() | MapOf():
                return self.mapping(node, spec, path)
            case ListOf():
                return self.list(node, spec, path)
            case _:
                return self.scalar(node, spec, path)

    def mapping(self, node: yaml.Node, spec: Record | MapOf, path: Path) -> dict[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            self.expected(f"a mapping ({spec.about})", node, path)
            return {}
        result: dict[str, Any] = {}
        for key, child, merged in self.pairs(node, path):
            if key in result and merged:
                continue
            if key in result:
                self.at(key_mark(node, key), f"the key {key} stands here twice")
                continue
            item = self.item_spec(spec, key, path, node)
            if item is not None:
                mark = key_mark(node, key)
                self.document.marks[(*path, key)] = (mark.line + 1, mark.column + 1)
                result[key] = self.value(child, item, (*path, key))
        if isinstance(spec, Record):
            for name in sorted(spec.required - result.keys()):
                self.document.problem(f"{name} is missing", *path)
        return result

    def item_spec(self, spec: Record | MapOf, key: str, path: Path, node: yaml.Node) -> Spec | None:
        if isinstance(spec, MapOf):
            if re.fullmatch(spec.key, key):
                return spec.item
            self.at(key_mark(node, key), f"{key!r} cannot be a name here")
            return None
        if key in spec.fields:
            return spec.fields[key]
        hint = did_you_mean(key, spec.fields)
        place = f" of {'.'.join(map(str, path))}" if path else ""
        self.at(key_mark(node, key), f"unknown key {key}{place}{hint}")
        return None

    def pairs(self, node: yaml.MappingNode, path: Path) -> Iterable[tuple[str, yaml.Node, bool]]:
        """Yield key, value and whether it came by a merge key; the mapping's own keys first."""
        merges: list[yaml.Node] = []
        for key_node, child in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merges += child.value if isinstance(child, yaml.SequenceNode) else [child]
            elif isinstance(key_node, yaml.ScalarNode):
                yield key_node.value, child, False
            else:
                self.expected("a plain key", key_node, path)
        for merge in merges:
            if isinstance(merge, yaml.MappingNode):
                for key, child, _ in self.pairs(merge, path):
                    yield key, child, True
            else:
                self.expected("a mapping to merge", merge, path)

    def list(self, node: yaml.Node, spec: ListOf, path: Path) -> list[Any]:
        if not isinstance(node, yaml.SequenceNode):
            self.expected(f"a list ({spec.about})", node, path)
            return []
        return [self.value(child, spec.item, (*path, i)) for i, child in enumerate(node.value)]

    def scalar(self, node: yaml.Node, spec: Text | Whole | Flag, path: Path) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.expected(spec.about, node, path)
        if isinstance(spec, Flag):
            if node.value in ("true", "false"):
                return node.value == "true"
            return self.expected("true or false", node, path)
        if isinstance(spec, Whole):
            return self.whole(node, spec, path)
        return self.text(node, spec, path)

    def whole(self, node: yaml.ScalarNode, spec: Whole, path: Path) -> int | None:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", node.value):
            self.expected(f"a whole number ({spec.about})", node, path)
        elif not spec.low <= int(node.value) <= spec.high:
            self.expected(f"a number from {spec.low} to {spec.high} ({spec.about})", node, path)
        else:
            return int(node.value)
        return None

    def text(self, node: yaml.ScalarNode, spec: Text, path: Path) -> str | None:
        plain_null = node.tag == "tag:yaml.org,2002:null"
        if plain_null and spec.nullable:
            return None
        if plain_null:
            self.expected(f"text ({spec.about})", node, path)
        elif spec.choices and node.value not in spec.choices:
            hint = did_you_mean(node.value, spec.choices)
            self.expected(f"one of {', '.join(spec.choices)}", node, path, hint)
        elif spec.pattern and not re.fullmatch(spec.pattern, node.value):
            self.expected(spec.about, node, path)
        else:
            return str(node.value)
        return None

    def expected(self, what: str, node: yaml.Node, path: Path, hint: str = "") -> None:
        name = ".".join(str(part) for part in path) or "the file"
        self.at(node.start_mark, f"{name}: expected {what}, found {_shown(node)}{hint}")

    def at(self, mark: yaml.Mark, message: str) -> None:
        shown = "".join(c if c.isprintable() else "?" for c in message)
        problem = Problem(self.document.file, mark.line + 1, mark.column + 1, shown)
        if problem not in self.document.problems:
            self.document.problems.append(problem)


def key_mark(node: yaml.Node, key: str) -> yaml.Mark:
    """Return the place of the last ``key`` in a mapping node, else of the node."""
    places = [k.start_mark for k, _ in node.value if getattr(k, "value", None) == key]
    return places[-1] if places else node.start_mark


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    value = str(node.value)
    if node.tag == "tag:yaml.org,2002:null":
        return "nothing"
    return repr(value if len(value) <= 40 else value[:37] + "...")
