"""A real secret in a file that everybody can read."""

import re
from collections.abc import Iterator

from alfred_dev.errors import Where
from alfred_dev.lint import tree
from alfred_dev.lint.model import Project, Service, Variable
from alfred_dev.lint.rule import Context, Finding, Rule, Severity
from alfred_dev.lint.rules import _common, jwt
from alfred_dev.lint.tree import HOLE

# What providers give out: the shape alone says that it is one.
SHAPES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(
        r"\b(?:ghp|gho|ghs|ghu)_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,}"
    ),
    "a Slack token": re.compile(r"\bxox[abprs]-\d{8,}-[A-Za-z0-9-]{10,}"),
    "an OpenAI key": re.compile(r"\bsk-(?:proj-)?[A-Za-z0-9]{40,}\b|\bsk-proj-[\w-]{40,}"),
    "an Anthropic key": re.compile(r"\bsk-ant-[\w-]{40,}"),
    "a Google API key": re.compile(r"\bAIza[\w-]{35}\b"),
    "a Stripe key": re.compile(r"\b[sr]k_live_[A-Za-z0-9]{20,}\b"),
    "a Telegram bot token": re.compile(r"\b\d{8,10}:AA[\w-]{33}\b"),
    "the token of a Cloudflare tunnel": re.compile(r"\beyJhIjoi[\w-]{80,}"),
    "a private key": re.compile(r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----"),
}
# Names that only sound like secrets.
NOT_SECRET = re.compile(
    r"EXPIR|_TTL|_FILE$|_PATH$|ALGORITHM|ISSUER|_LENGTH|_NAME$|_URL$|_URI$|ENABLE|_HEADER|_DAYS|_MINUTES|"
    r"_SECONDS|PUBLIC|SITE_KEY|MAX_TOKENS|TOKENS$|TOKENIZ|_TYPE$|_ID$|_LIFETIME|POLICY|DISABLE|ALLOW_EMPTY",
    re.IGNORECASE,
)
RANDOM = re.compile(r"[A-Za-z0-9+/_=-]{24,}\Z")


def check(project: Project, context: Context) -> Iterator[Finding]:
    """One finding a secret, with everywhere it stands."""
    found: dict[tuple[str, str], list[Where]] = {}
    for section in ("services", "secrets", "configs"):
        for scalar in tree.scalars(project.root.get(section) if project.root else None):
            if len(scalar.raw) > 20_000:
                continue
            for what, shape in SHAPES.items():
                match = shape.search(scalar.raw)
                if match and not _common.PLACEHOLDER.search(match.group()):
                    found.setdefault((what, match.group()), []).append(scalar.where)
    for (what, _), places in found.items():
        yield RULE.found(
            f"{what} stands in the file",
            *places,
            fix="take it back where it was made, and put the new one into .env",
        )
    yield from _own(project)


def _own(project: Project) -> Iterator[Finding]:
    """Literal passwords and secrets: one finding a text. A random one is meant to be secret."""
    found: dict[str, list[tuple[str, str, Where]]] = {}
    for service in project.services.values():
        for name, variable in service.environment.items():
            text = variable.text or ""
            if variable.origin == "compose" and _secret(service, name, text, variable):
                found.setdefault(text, []).append((name, service.name, variable.where))
        said = _on_command_line(service)
        if said:
            found.setdefault(said[0], []).append(("REDIS_PASSWORD", service.name, said[1]))
    for text, uses in found.items():
        keys = ", ".join(dict.fromkeys(k for k, _, _ in uses))
        yield RULE.found(
            f"{keys} stands in the file", *(w for _, _, w in uses), service=uses[0][1],
            severity=Severity.WARNING if _random(text) else Severity.INFO,
            fix="write ${" + uses[0][0] + ":?}, and the value into .env",
        )  # fmt: skip


def _secret(service: Service, name: str, text: str, variable: Variable) -> bool:
    if any(r.source in ("env", "example", "unset", "required") for r in variable.refs):
        return False
    if not _common.SECRET_KEY.search(name) or NOT_SECRET.search(name) or len(text) < 6:
        return False
    if text.startswith(("/", "http", "eyJ", "file:")) or " " in text or HOLE in text:
        return False
    if _random(text):
        return True
    if jwt.SECRET.search(name) and len(text) < jwt.SHORTEST:
        return False  # that it is too short is said already
    known = _common.weak(service, variable) or _common.PLACEHOLDER.search(text) is not None
    return not known and text.lower() not in ("true", "false", "required", "optional", "bearer")


def _on_command_line(service: Service) -> tuple[str, Where] | None:
    """Return the password of a Redis that is written into its command."""
    image = _common.image_of(service)
    said = _common.redis_password(service) if image and image.kind == "redis" else None
    if said is None or _common.ref_at(service, said[1]) or HOLE in said[0] or len(said[0]) < 6:
        return None
    known = said[0].lower() in _common.WEAK or _common.PLACEHOLDER.search(said[0])
    placed = any(v.where == said[1] for v in service.environment.values())
    return None if known or placed or said[1].file not in _files(service) else said


def _files(service: Service) -> set[str]:
    return {c.where.file for c in (service.command, service.entrypoint) if c}


def _random(text: str) -> bool:
    if not RANDOM.match(text) or _common.PLACEHOLDER.search(text) or text.startswith("eyJ"):
        return False
    mixed = any(c.isdigit() for c in text) and any(c.isalpha() for c in text)
    words = re.findall(r"[a-z]{4,}", text.lower())
    return mixed and len(set(text)) >= 10 and sum(map(len, words)) < len(text) / 2


BAD = """\
services:
  a:
    image: example/a:1
    environment: {AWS_ACCESS_KEY_ID: AKIA2E0A8F3B244C9986}
"""
GOOD = """\
services:
  a:
    image: example/a:1
    environment: {AWS_ACCESS_KEY_ID: '${AWS_ACCESS_KEY_ID:?}'}
"""
RULE = Rule(
    code="secret-in-file",
    title="A secret in the file",
    severity=Severity.ERROR,
    page="Whoever can read the repository has it. Keys of providers are an error; a random "
    "text under "
    "the name of a password, secret, token or key is a warning, any other literal there info. "
    "Values are "
    "never repeated.",
    bad=BAD,
    good=GOOD,
    check=check,
)
