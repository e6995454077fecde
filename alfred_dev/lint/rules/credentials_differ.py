"""Credentials that differ between a server and its clients."""

from collections.abc import Iterator
from urllib.parse import unquote

from alfred_dev.errors import Where
from alfred_dev.lint import images, references
from alfred_dev.lint.model import Project, Service
from alfred_dev.lint.references import Reference
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common
from alfred_dev.lint.tree import HOLE

KINDS = ("postgres", "mysql", "mongo", "rabbitmq", "redis")
# Databases that are there without being asked for.
ALWAYS = {"postgres": ("postgres", "template1", ""), "mongo": None, "redis": None, "rabbitmq": None,
          "mysql": ("mysql", "", "information_schema")}  # fmt: skip
PASSWORDS = ("PASSWORD", "PASS", "PASSWD")
USERS = ("USER", "USERNAME")
DATABASES = ("NAME", "DB", "DATABASE", "DBNAME")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a server and kind of credential, with everybody who has another."""
    wrong: dict[tuple[str, str], list[tuple[Service, str, Where]]] = {}
    for service, reference, target in _common.internal(project):
        if _kind(target) not in KINDS or reference.bundled:
            continue
        for what, where in _differing(service, reference, target):
            uses = wrong.setdefault((target.name, what), [])
            if (service, reference.key, where) not in uses:
                uses.append((service, reference.key, where))
    for (name, what), who in wrong.items():
        yield _finding(project, project.services[name], what, who)


def _kind(target: Service) -> str:
    return (images.kind(target.image.value) if target.image and not target.build else None) or ""


def _differing(
    service: Service, reference: Reference, target: Service
) -> Iterator[tuple[str, Where]]:
    given = _given(service, reference)
    image = images.known(target.image.value) if target.image else None
    if image is None:
        return
    users = _wanted_users(target, image)
    user, user_where = given["user"]
    main = user is None or user == "" or not users or user in users
    known = HOLE not in f"{user}{''.join(users)}" and not _extra(target)
    if user and users and known and unquote(user) not in users:
        yield "user", user_where
    if main:
        yield from _password(given["password"], target, image)
    if reference.scheme is not None or any(n in target.environment for n in image.database):
        yield from _database(given["database"], target, image)


def _given(service: Service, reference: Reference) -> dict[str, tuple[str | None, Where]]:
    """Return what a client says: in its URL, or in variables beside its HOST."""
    found = {
        "user": (reference.user, reference.where),
        "password": (reference.password, reference.where),
        "database": (reference.path if reference.scheme else None, reference.where),
    }
    if reference.scheme is not None:
        return found
    stem = reference.key.upper()
    for suffix in ("HOSTNAME", "HOST", "PORT", "SERVER", "ADDRESS", "ADDR"):
        stem = stem.removesuffix(suffix)
    if not stem:
        return found
    for what, ends in (("user", USERS), ("password", PASSWORDS), ("database", DATABASES)):
        for end in ends:
            variable = references.beside(service, f"{stem}{end}")
            if variable is not None and variable.text is not None:
                found[what] = variable.text, variable.where
                break
    return found


def _wanted_users(target: Service, image: images.Image) -> tuple[str, ...]:
    found = [
        v.text if v.text is not None else HOLE
        for n in image.user
        if (v := target.environment.get(n)) and v.text != ""
    ]
    if image.kind == "mysql":
        return (*found, "root")
    if not found and image.default_user:
        return (image.default_user,)
    return tuple(found)


def _password(
    given: tuple[str | None, Where], target: Service, image: images.Image
) -> Iterator[tuple[str, Where]]:
    text, where = given
    wanted = _wanted_passwords(target, image)
    if not text or not wanted or HOLE in text:
        return
    if any(HOLE in w for w in wanted):
        if all(w == HOLE for w in wanted) and image.kind != "mysql":
            yield "copy", where
    elif text not in wanted and unquote(text) not in wanted:
        yield "password", where


def _wanted_passwords(target: Service, image: images.Image) -> list[str]:
    if image.kind == "redis":
        demanded = _common.redis_password(target)
        return [demanded[0]] if demanded and demanded[0] else []
    found = [v.text or HOLE for n in image.secret if (v := target.environment.get(n))]
    if image.kind == "rabbitmq" and not found:
        return ["guest"]
    return [f for f in found if f]


def _database(
    given: tuple[str | None, Where], target: Service, image: images.Image
) -> Iterator[tuple[str, Where]]:
    text, where = given
    always = ALWAYS[image.kind]
    if always is None or not text or HOLE in text or text in always or _extra(target):
        return
    made = [v.text or HOLE for n in image.database if (v := target.environment.get(n))]
    if image.kind == "postgres" and not made:
        made = [u for u in _wanted_users(target, image)]
    if made and HOLE not in "".join(made) and text not in made:
        yield "database", where


def _extra(target: Service) -> bool:
    """Whether a server runs scripts of its own at its first start: they may make anything."""
    return any("initdb" in m.target for m in target.mounts)


def _finding(
    project: Project, target: Service, what: str, who: list[tuple[Service, str, Where]]
) -> Finding:
    keys = ", ".join(dict.fromkeys(f"{k} of {s.name}" for s, k, _ in who))
    places = (*(w for _, _, w in who), *_own(target, what))
    if what == "copy":
        return RULE.found(
            f"{keys} has a password of its own, while that of {target.name} comes from a variable",
            *places,
            service=who[0][0].name,
            severity=Severity.WARNING,
            fix="take it from the same variable",
        )
    note = "; no script makes another" if what == "database" else ""
    return RULE.found(
        f"{keys}: not the {what} that {target.name} is set up with{note}",
        *places,
        service=who[0][0].name,
        fix=f"take the {what} from one variable in both places",
    )


def _own(target: Service, what: str) -> list[Where]:
    """Return where the server says it."""
    image = images.known(target.image.value) if target.image else None
    names = {"user": image.user, "password": image.secret, "copy": image.secret,
             "database": image.database} if image else {}  # fmt: skip
    own = [v.where for n in names.get(what, ()) if (v := target.environment.get(n))][:1]
    demanded = _common.redis_password(target) if what in ("password", "copy") and not own else None
    return [demanded[1]] if demanded else own


BAD = """\
services:
  a:
    image: example/a:1
    depends_on: [db]
    environment: {DATABASE_URL: 'postgresql://postgres:postgres@db:5432/postgres'}
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    environment: {POSTGRES_PASSWORD: '${PW:-other}'}
"""
GOOD = """\
services:
  a:
    image: example/a:1
    depends_on: [db]
    environment: {DATABASE_URL: 'postgresql://postgres:${PW:-other}@db:5432/postgres'}
  db:
    image: postgres:17
    tmpfs: [/var/lib/postgresql/data]
    environment: {POSTGRES_PASSWORD: '${PW:-other}'}
"""
RULE = Rule(
    code="credentials-differ",
    title="Credentials that differ between a server and its clients",
    severity=Severity.ERROR,
    page="User, password and database of every URL (and of HOST, USER, PASSWORD, NAME beside each "
    "other) are compared with what the server is set up with, defaults of variables filled in. "
    "A copy beside a variable without a default is a warning; nothing is said where an init script "
    "makes more.",
    bad=BAD,
    good=GOOD,
    check=check,
)
