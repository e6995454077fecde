"""Where services speak of each other: URLs, host:port, HOST and PORT pairs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from alfred_dev.errors import Where
from alfred_dev.lint.model import Project, Service, Variable
from alfred_dev.lint.tree import HOLE

URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+]{1,20})://"
    rf"(?:(?P<user>[^\s/@:'\"]{{0,200}})(?P<colon>:(?P<password>[^\s/@'\"]{{0,300}}))?@)?"
    rf"(?P<host>[A-Za-z0-9_.{HOLE}-]{{1,200}})(?::(?P<port>\d{{1,5}}|{HOLE}))?"
    r"(?P<more>(?:,[A-Za-z0-9_.-]{1,100}(?::\d{1,5})?){0,9})"
    r"(?:/(?P<path>[\w.-]*))?"
)  # fmt: skip
ADDRESS = re.compile(r"(?P<host>[A-Za-z][A-Za-z0-9_.-]{0,100}|127\.0\.0\.1):(?P<port>\d{1,5})\Z")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,100}\Z")
HOST_KEY = re.compile(r"(?:^|_)(HOST|HOSTNAME|HOSTS|SERVER|ADDR|ADDRESS|SERVICE|NODE|ENDPOINT)$")
PORT_OF = {"HOST": "PORT", "HOSTNAME": "PORT", "SERVER": "PORT", "ADDR": "PORT", "ADDRESS": "PORT"}
# What a bundler puts into the pages: read by browsers, never by containers.
BUNDLED = re.compile(
    r"^(NEXT_PUBLIC|VITE|REACT_APP|NUXT_PUBLIC|VUE_APP|GATSBY|EXPO_PUBLIC|NG_APP)_"
)
# What tells a service how browsers or other machines reach it, or whom it lets in.
OUTSIDE = re.compile(
    r"ORIGIN|CORS|CALLBACK|REDIRECT|SITE_URL|EXTERNAL|ROOT_URL|PUBLIC|FRONTEND|BROWSER|CLIENT_URL|"
    r"WEB_URL|WEBSITE|APP_URL|BASE_URL|ALLOW|WHITELIST|TRUSTED|ISSUER|DOMAIN|ADVERTISED|LISTENER|"
    r"SERVER_NAME|SERVER_NAMES|VIRTUAL_HOST|NEXTAUTH_URL|AUTH_URL|WEBHOOK|SERVER_URL|_UI_|HOST_URL|"
    r"^URL$|^HOST$|^HOSTNAME$|LISTEN|BIND|DASHBOARD|OAUTH|PROXY_URL|LINK|MEDIA|IMAGE|INSTANCE|"
    r"NO_PROXY|RP_ID|HEALTH"
)
# Of those, what says so even where the host is a service: whom it lets in, what it calls itself.
PUBLIC = re.compile(
    r"ORIGIN|CORS|CALLBACK|REDIRECT|PUBLIC|EXTERNAL|ALLOW|WHITELIST|TRUSTED|ADVERTISED|LISTENER|"
    r"ISSUER|NO_PROXY|VIRTUAL_HOST|SERVER_NAME|LISTEN|BIND"
)
# Ports of stores: nobody's browser speaks to them.
STORES = (
    "postgres", "postgresql", "mysql", "mariadb", "redis", "rediss", "mongodb", "amqp", "amqps",
    "nats", "kafka", "memcached", "bolt", "neo4j", "clickhouse", "cassandra", "pgsql", "sqlserver",
)  # fmt: skip
LOCALHOST = re.compile(r"(localhost|127\.0\.0\.1|0\.0\.0\.0)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One place where a service speaks of a host. ``key``: the variable, or where else it stands.

    ``password`` is None when none is given; ``open`` when a variable without a value takes part.
    """

    service: str
    key: str
    where: Where
    host: str
    port: int | None
    scheme: str | None = None
    user: str | None = None
    password: str | None = None
    path: str = ""
    text: str = ""
    variable: Variable | None = None
    host_where: Where | None = None  # where the host stands, when that is another line

    @property
    def named(self) -> Where:
        """Where the host is named."""
        return self.host_where or self.where

    @property
    def store(self) -> bool:
        """Whether this is the address of a database, cache or queue."""
        return self.scheme is not None and self.scheme.lower().split("+")[0] in STORES

    @property
    def bundled(self) -> bool:
        """Whether a browser is what reads it."""
        return BUNDLED.match(self.key) is not None

    @property
    def public(self) -> bool:
        """Whether it is meant for others, although it names a service."""
        return PUBLIC.search(self.key.upper()) is not None

    @property
    def outside(self) -> bool:
        """Whether it may well be meant for browsers or other machines."""
        return OUTSIDE.search(self.key.upper()) is not None or self.bundled


@lru_cache(maxsize=4096)
def of(project: Project, service: Service) -> tuple[Reference, ...]:
    """Return what a service says of hosts, in the order of its variables."""
    return tuple(_of(project, service))


def _of(project: Project, service: Service) -> Iterator[Reference]:
    for variable in service.environment.values():
        if variable.text:
            yield from _variable(project, service, variable)
    for said in (service.command, service.entrypoint):
        for index, word in enumerate(said.words if said else ()):
            place = said.place(index) if said else service.where
            yield from urls(service.name, "command", word, place)
    for key, value in (service.build.args if service.build else {}).items():
        yield from urls(service.name, key, value.text, value.where)


def _variable(project: Project, service: Service, variable: Variable) -> Iterator[Reference]:
    text, key = variable.text or "", variable.name
    found = list(urls(service.name, key, text, variable.where, variable))
    yield from found
    if found:
        return
    for part in text.split(",")[:10]:
        address = ADDRESS.match(part.strip())
        if address and (_known(project, address["host"]) or HOST_KEY.search(key.upper())):
            yield Reference(
                service=service.name, key=key, where=variable.where, host=address["host"],
                port=int(address["port"]), text=text, variable=variable,
            )  # fmt: skip
    suffix = HOST_KEY.search(key.upper())
    if suffix and WORD.match(text):
        yield _pair(service, variable, text, suffix[1])


def _pair(service: Service, variable: Variable, host: str, suffix: str) -> Reference:
    """A HOST, with the PORT that stands beside it."""
    sibling = variable.name[: -len(suffix)] + PORT_OF.get(suffix, "\0")
    port = beside(service, sibling)
    known = port is not None and port.known and port.value.isdecimal() and len(port.value) <= 5
    return Reference(
        service=service.name,
        key=port.name if port and known else variable.name,
        where=port.where if port and known else variable.where,
        host=host,
        host_where=variable.where,
        port=int(port.value) if port and known else None,
        text=host,
        variable=variable,
    )


def beside(service: Service, name: str) -> Variable | None:
    """Return a variable whatever the case of its name: Db__Port stands beside Db__Host."""
    exact = service.environment.get(name)
    if exact is not None:
        return exact
    upper = name.upper()
    return next((v for k, v in service.environment.items() if k.upper() == upper), None)


def _known(project: Project, host: str) -> bool:
    return local(host) or bool(project.named(host))


def urls(
    service: str, key: str, text: str, where: Where, variable: Variable | None = None
) -> Iterator[Reference]:
    """Yield the URLs in a text."""
    if "://" not in text:
        return
    for number, found in enumerate(URL.finditer(text[:8_000])):
        if number >= 50:
            return
        port = found["port"]
        yield Reference(
            service=service, key=key, where=where, host=found["host"],
            port=int(port) if port and port.isdecimal() else None, scheme=found["scheme"],
            user=found["user"],
            password=(found["password"] or "") if found["colon"] else None,
            path=found["path"] or "", text=text, variable=variable,
        )  # fmt: skip
        for other in found["more"].split(",")[1:]:
            host, _, number_text = other.partition(":")
            yield Reference(
                service=service, key=key, where=where, host=host, scheme=found["scheme"],
                port=int(number_text) if number_text else None, user=found["user"],
                password=(found["password"] or "") if found["colon"] else None,
                path=found["path"] or "", text=text, variable=variable,
            )  # fmt: skip


def local(host: str) -> bool:
    """Whether a host is the container itself."""
    return LOCALHOST.match(host) is not None


def targets(project: Project, reference: Reference) -> tuple[Service, ...]:
    """Return the services that a reference means, the speaker itself left out."""
    return tuple(s for s in project.named(reference.host) if s.name != reference.service)
