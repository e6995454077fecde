"""What one embedded service is told: a JSON document without secrets, in ``ALFRED_EMBEDDED``."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from alfred_dev.catalog.kinds import ProbeKind
from alfred_dev.errors import UsageError

VARIABLE = "ALFRED_EMBEDDED"

T = TypeVar("T")
Reader = Callable[[object, str], T]


class SpecError(UsageError):
    """The instructions cannot be followed; nothing was started."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            "embedded-spec-invalid",
            f"{VARIABLE} cannot be used",
            cause=cause,
            fix=["alfred-dev up"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One port to listen on. ``path``: the health path of an http port."""

    listen: int
    probe: ProbeKind
    path: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A dependency: how to ask it, and the variable that holds its address."""

    service: str
    variable: str
    probe: ProbeKind
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSpec:
    """Everything an embedded service is told, but for secrets.

    ``stands_in``: it plays a service that is not here, else it is the service's engine;
    ``bind``: the one IPv4 address to listen on; ``domain``: of which every sub-domain is ours;
    ``api``: the parts of the platform's API to play; ``data``: an absolute folder of its own;
    ``page``: where the browser finds something better than the stand-in, empty for nowhere.
    """

    id: str
    title: str
    stands_in: bool
    bind: str
    domain: str
    ports: tuple[Listener, ...]
    asks: tuple[Ask, ...]
    api: tuple[str, ...]
    aliases: tuple[str, ...]
    data: Path
    page: str = ""

    def to_json(self) -> str:
        """Return one line of ASCII JSON that ``from_json`` reads back."""
        found = asdict(self) | {"data": str(self.data)}
        return json.dumps({k: v for k, v in found.items() if k != "page" or v})

    @classmethod
    def from_json(cls, text: str) -> EmbeddedSpec:
        """Read what ``to_json`` wrote. Raises SpecError for anything else."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"it is not JSON: {error}") from error
        fields = _Fields(document, "the document")
        spec = cls(
            id=fields.take("id", _name),
            title=fields.take("title", _text),
            stands_in=fields.take("stands_in", _flag),
            bind=fields.take("bind", _address),
            domain=fields.take("domain", _name),
            ports=fields.take("ports", _list_of(_listener)),
            asks=fields.take("asks", _list_of(_ask)),
            api=fields.take("api", _list_of(_name)),
            aliases=fields.take("aliases", _list_of(_name)),
            data=fields.take("data", _folder),
            page=fields.take("page", _url) if "page" in fields.left else "",
        )
        fields.nothing_left()
        if not spec.ports:
            raise SpecError("there is no port to listen on")
        return spec


class _Fields:
    """The fields of one JSON object, taken one by one; what is left at the end is a mistake."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise SpecError(f"{where} is not an object")
        self.left: dict[str, object] = dict(value)
        self.where = where

    def take(self, key: str, read: Reader[T]) -> T:
        if key not in self.left:
            raise SpecError(f"{self.where} has no {key}")
        return read(self.left.pop(key), f"{key} of {self.where}")

    def nothing_left(self) -> None:
        if self.left:
            raise SpecError(f"{self.where} has unknown fields: {', '.join(sorted(self.left))}")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise SpecError(f"{where} is not text")
    return value


def _url(value: object, where: str) -> str:
    if value != "" and not re.fullmatch(r"https?://[\w.:\[\]-]+/?", _text(value, where)):
        raise SpecError(f"{where} is not a URL: {value!r}")
    return str(value)


def _name(value: object, where: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", _text(value, where)):
        raise SpecError(f"{where} is not a name: {value!r}")
    return str(value)


def _variable(value: object, where: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", _text(value, where)):
        raise SpecError(f"{where} is not a variable: {value!r}")
    return str(value)


def _path(value: object, where: str) -> str:
    if not re.fullmatch(r"/[\x21-\x7e]*", _text(value, where)):
        raise SpecError(f"{where} is not the path of a URL: {value!r}")
    return str(value)


def _folder(value: object, where: str) -> Path:
    if not _text(value, where).startswith("/"):
        raise SpecError(f"{where} is not an absolute path: {value!r}")
    return Path(str(value))


def _address(value: object, where: str) -> str:
    try:
        ipaddress.IPv4Address(_text(value, where))
    except ValueError as error:
        raise SpecError(f"{where} is not an IPv4 address: {value!r}") from error
    return str(value)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise SpecError(f"{where} is not true or false")
    return value


def _port(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise SpecError(f"{where} is not a port: {value!r}")
    return value


def _kind(value: object, where: str) -> ProbeKind:
    try:
        return ProbeKind(_text(value, where))
    except ValueError as error:
        raise SpecError(f"{where} is no protocol we know: {value!r}") from error


def _list_of(read: Reader[T]) -> Reader[tuple[T, ...]]:
    def read_list(value: object, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise SpecError(f"{where} is not a list")
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_list


def _listener(value: object, where: str) -> Listener:
    fields = _Fields(value, where)
    listener = Listener(
        listen=fields.take("listen", _port),
        probe=fields.take("probe", _kind),
        path=fields.take("path", _path),
        purpose=fields.take("purpose", _text),
    )
    fields.nothing_left()
    return listener


def _ask(value: object, where: str) -> Ask:
    fields = _Fields(value, where)
    ask = Ask(
        service=fields.take("service", _name),
        variable=fields.take("variable", _variable),
        probe=fields.take("probe", _kind),
        path=fields.take("path", _path),
    )
    fields.nothing_left()
    return ask
