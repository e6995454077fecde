"""``${VAR:-default}``: Compose's own grammar, and what of it a text uses. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from alfred_dev.errors import Problem, Where
from alfred_dev.lint.tree import HOLE, Map, Node, Ref, Scalar, Seq

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OPERATORS = (":-", ":?", ":+", "-", "?", "+")
MAX_NESTING = 10
MAX_TEXT = 10_000
MAX_REFS = 300


@dataclass(frozen=True, slots=True)
class Setting:
    """A variable's value and where it is set. ``source``: env or example."""

    value: str
    source: str
    where: Where


Scope = Mapping[str, Setting]


class InvalidError(Exception):
    """Not Compose's grammar. ``at``: where in the text."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__(what)
        self.at, self.what = at, what


def text(raw: str, scope: Scope, where: Where, depth: int = 0) -> tuple[str, tuple[Ref, ...]]:
    """Return ``raw`` with its variables filled in, holes for unset ones. Raises InvalidError."""
    if "$" not in raw:
        return raw, ()
    if depth > MAX_NESTING or len(raw) > MAX_TEXT:
        raise InvalidError(0, "nested too deeply, or too long")
    pieces: list[str] = []
    refs: list[Ref] = []
    at = 0
    while (dollar := raw.find("$", at)) >= 0:
        pieces.append(raw[at:dollar])
        at, piece, used = _one(raw, dollar, scope, where, depth)
        pieces.append(piece)
        refs.extend(used)
        if len(refs) > MAX_REFS:
            raise InvalidError(dollar, f"more than {MAX_REFS} variables in one value: not read")
    pieces.append(raw[at:])
    return "".join(pieces), tuple(refs)


def _one(
    raw: str, dollar: int, scope: Scope, where: Where, depth: int
) -> tuple[int, str, tuple[Ref, ...]]:
    """Read what begins at the dollar: where it ends, what it becomes, what it uses."""
    following = raw[dollar + 1 : dollar + 2]
    if following == "$":
        return dollar + 2, "$", ()
    if following == "{":
        end = _closing(raw, dollar)
        piece, refs = _braced(raw[dollar + 2 : end], scope, where, depth, dollar)
        return end + 1, piece, refs
    name = NAME.match(raw, dollar + 1)
    if not name:
        return dollar + 1, "$", ()  # left as it stands
    piece, ref = _value(name[0], "", "", scope, where)
    return name.end(), piece, (ref,)


def _closing(raw: str, dollar: int) -> int:
    depth = 0
    at = dollar + 1
    while at < len(raw):
        if raw[at] == "{" and raw[at - 1] == "$":
            depth += 1
        elif raw[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise InvalidError(dollar, "${ without its }")


def _braced(
    inner: str, scope: Scope, where: Where, depth: int, dollar: int
) -> tuple[str, tuple[Ref, ...]]:
    name = NAME.match(inner)
    if not name:
        raise InvalidError(dollar, "Compose cannot read ${" + inner[:20] + "}")
    rest = inner[name.end() :]
    operator = next((o for o in OPERATORS if rest.startswith(o)), "")
    if rest and not operator:
        raise InvalidError(dollar, "Compose cannot read ${" + inner[:40] + "}")
    argument = rest[len(operator) :]
    default, nested = ("", ()) if "?" in operator else text(argument, scope, where, depth + 1)
    piece, ref = _value(name[0], operator, default, scope, where)
    return piece, (ref, *(nested if ref.source == "default" else ()))


def _value(name: str, operator: str, default: str, scope: Scope, where: Where) -> tuple[str, Ref]:
    setting = scope.get(name)
    filled = setting is not None and (setting.value != "" or operator in ("-", "?", "+"))
    if operator.endswith("+"):
        return (default if filled else ""), Ref(name, operator, default, "default", where)
    if setting is not None and filled:
        return setting.value, Ref(name, operator, default, setting.source, where)
    if operator.endswith("-"):
        return default, Ref(name, operator, default, "default", where)
    source = "required" if operator else "unset"
    return HOLE, Ref(name, operator, "", source, where)


@dataclass(slots=True)
class Filler:
    """Fills in a whole tree. Shared nodes stay shared, so an alias bomb stays small."""

    scope: Scope
    problems: list[Problem]
    seen: dict[int, tuple[Node, Node]]

    def fill(self, node: Node) -> Node:
        """Return ``node`` with every value filled in."""
        known = self.seen.get(id(node))
        if known is not None:
            return known[1]
        done = self._fill(node)
        self.seen[id(node)] = node, done  # the old one is kept so that its id stays its own
        return done

    def _fill(self, node: Node) -> Node:
        if isinstance(node, Map):
            return replace(node, items={k: self.fill(v) for k, v in node.items.items()})
        if isinstance(node, Seq):
            return replace(node, items=tuple(self.fill(v) for v in node.items))
        if "$" not in node.raw:
            return node
        try:
            filled, refs = text(node.raw, self.scope, node.where)
        except InvalidError as error:
            self.problems.append(_problem(node, error))
            return node
        return replace(node, text=filled, refs=refs)


def _problem(node: Scalar, error: InvalidError) -> Problem:
    where = node.line_of(error.at)
    return Problem(where.file, where.line, where.column, error.what)


def filled(node: Node, scope: Scope) -> tuple[Node, tuple[Problem, ...]]:
    """Return the tree with its variables filled in, and what Compose cannot read in it."""
    filler = Filler(scope, [], {})
    return filler.fill(node), tuple(filler.problems)
