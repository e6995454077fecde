"""What services say before they end, and what it means. Pure.

A table of patterns, not of faults: each is what a runtime, a library or a kernel prints for one
kind of trouble, whatever service prints it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alfred_dev.doctor.seen import Service


@dataclass(frozen=True, slots=True)
class Line:
    """A line that fits a pattern, and what the pattern caught in it."""

    text: str
    match: re.Match[str]


def either(*patterns: str) -> re.Pattern[str]:
    """Return one pattern that fits where any of ``patterns`` does, in either case."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


PORT = either(
    r"address already in use", r"EADDRINUSE", r"cannot listen on", r"port is already allocated"
)
PRIVILEGED_PORT = either(r"(?:bind|listen).*(?:permission denied|EACCES)")
SHARED = either(r"shared memory.*no space left", r"no space left.*/dev/shm")
DISK = either(r"no space left on device", r"ENOSPC", r"disk quota exceeded", r"EDQUOT",
              r"file too large", r"EFBIG")  # fmt: skip
READ_ONLY = either(r"read-only file system", r"EROFS")
MEMORY = either(r"cannot allocate memory", r"\bMemoryError\b", r"OutOfMemoryError", r"ENOMEM",
                r"out of memory", r"could not (?:map anonymous|create) shared memory")  # fmt: skip
FILES = either(r"too many open files", r"EMFILE", r"ENFILE", r"file table overflow",
               r"insufficient file descriptors", r"number of file descriptors",
               r"unable to set.*open files")  # fmt: skip
THREADS = either(r"can't start new thread", r"thread.*resource temporarily unavailable",
                 r"resource temporarily unavailable.*(?:fork|thread)",
                 r"could not fork", r"fork: retry", r"unable to create.*native thread")  # fmt: skip
INOTIFY = either(r"inotify (?:watch|instance)", r"ENOSPC.*watch", r"inotify_init")
PROGRAM = either(r"cannot be executed", r"exec format error", r"command not found",
                 r"cannot open shared object", r"no such file or directory.*(?:bin|exec)",
                 r"can't open file", r"executable file not found", r"GLIBC_\S+ not found",
                 r"illegal instruction")  # fmt: skip
MODULE = either(r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)'",
                r"ImportError: .*", r"Cannot find module '(?P<node>[^']+)'")  # fmt: skip
OTHER_VERSION = either(r"initialized by PostgreSQL version (?P<was>\d+)",
                       r"written by PostgreSQL (?P<wrote>\d+)",
                       r"can't handle RDB format version", r"database files are incompatible",
                       r"incompatible with server", r"newer version of (?:the )?(?:data|storage)",
                       )  # fmt: skip
DAMAGED = either(r"is not the data of", r"invalid (?:checkpoint|primary checkpoint) record",
                 r"could not locate a valid checkpoint", r"bad file format reading",
                 r"unexpected end of file reading", r"unrecoverable error reading the append",
                 r"wrong signature trying to load", r"corrupt", r"checksum (?:mismatch|failed)",
                 r"invalid page in block", r"could not open file \"?(?:global|base|pg_)",
                 r"could not read file", r"database disk image is malformed",
                 r"file is not a database",
                 r"pg_control", r"short read or OOM loading", r"unexpected character.*aof",
                 # Without such a word it is what a healthy start says of it.
                 r"(?:bad|invalid|error|fail|wrong|corrupt)\w*\b.*\bAOF (?:manifest|file|loading)",
                 r"\bAOF (?:manifest|file|loading)\b.*"
                 r"(?:error|fail|abort|invalid|corrupt|missing|doesn't exist|not found)",
                 r"Fatal error loading the DB",
                 r"invalid (?:magic|header|segment)", r"required WAL directory.*does not exist",
                 r"required .*does not exist", r"(?:file is )?not a database",
                 r"cannot be read: (?:Expecting|Extra data|Unterminated|Invalid|unexpected)",
                 )  # fmt: skip
DENIED = either(r"permission denied", r"EACCES", r"operation not permitted", r"EPERM",
                r"has (?:invalid permissions|wrong ownership)", r"others may enter",
                r"belongs to user \d+", r"not owned by", r"must be owned by",
                r"unable to open database file")  # fmt: skip
SETTING = either(r"KeyError: '(?P<python>[A-Z][A-Z0-9_]+)'",
                 r"\b(?P<named>[A-Z][A-Z0-9]*_[A-Z0-9_]+) (?:is |was |must be )?"
                 r"(?:missing|empty|not set|required|undefined|invalid|unset|holds)",
                 r"InvalidToken", r"invalid_auth", r"missing (?:required )?(?:environment|env)",
                 r"unrecognized configuration parameter \"(?P<parameter>\w+)\"",
                 r"invalid value for parameter \"(?P<value>\w+)\"",
                 r"(?:unknown|unrecognized|bad) (?:flag|option|directive|argument)",
                 r"error (?:loading|parsing) config", r"yaml: (?:line|unmarshal)")  # fmt: skip
# The log-in is refused, whatever the password. Redis has one sentence for a wrong password and for
# a user that is off: nearly always it is the first.
LOGIN = either(r"is not permitted to log in", r"pg_hba\.conf (?:rejects|entry)",
               r"not currently accepting connections")  # fmt: skip
PASSWORD = either(r"password authentication failed", r"\bNOAUTH\b", r"\bWRONGPASS\b",
                  r"no password supplied", r"no pg_hba.conf entry", r"auth(?:entication)? failed",
                  r"role \"?(?P<role>\w+)\"? does not exist")  # fmt: skip
SCHEMA = either(r"database \"?(?P<database>\w+)\"? does not exist",
                r"schema \"?(?P<schema>\w+)\"? does not exist",
                r"no schema has been selected",
                r"relation \"?(?P<relation>[\w.]+)\"? does not exist",
                r"extension \"?(?P<extension>\w+)\"? (?:is not available|does not exist)",
                r"type \"?vector\"? does not exist")  # fmt: skip
NAME = either(r"could not translate host name \"?(?P<libpq>[^\s\"]+)",
              r"name or service not known", r"temporary failure in name resolution",
              r"getaddrinfo (?:ENOTFOUND|EAI_AGAIN)(?: (?P<node>\S+))?",
              r"no such host", r"nodename nor servname", r"host(?:name)? not found",
              )  # fmt: skip
REFUSED = either(r"connection refused", r"ECONNREFUSED", r"connect: connection")
LOCKED = either(r"lock file .* already exists", r"is another postmaster",
                r"resource temporarily unavailable.*lock", r"database is locked",
                r"is in use by another", r"already locked", r"another process holds",
                r"storage is locked", r"lock DB directory")  # fmt: skip


def found(service: Service, pattern: re.Pattern[str]) -> Line | None:
    """Return the last line of ``service`` that fits."""
    for text in (*service.said[::-1], *([service.ending] if service.ended else [])):
        if match := pattern.search(text):
            return Line(text, match)
    return None


def saying(services: Iterable[Service], pattern: re.Pattern[str]) -> Iterator[tuple[Service, Line]]:
    """Yield each service that said something that fits."""
    for service in services:
        if line := found(service, pattern):
            yield service, line


# What our engines print with a refusal; only what loses nothing.
REMEDY = re.compile(
    r"\b(mv (?:'[^']+'|[^\s']+) (?:'[^']+'|[^\s',;]+)|chmod \d{3} (?:'[^']+'|[^\s',;]+)"
    r"|(?:sudo )?chown -R \S+ (?:'[^']+'|[^\s',;]+))"
)


def remedy(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the command by which a service says itself that it is mended, nothing for none."""
    return next(((match[1],) for text in lines if (match := REMEDY.search(text))), ())


TELLING = either(r"\b(?:FATAL|PANIC|CRITICAL|ERROR)\b", r"\w(?:Error|Exception)\b",
                 r"terminated by signal", r"\bfailed\b", r"\bpanic:")  # fmt: skip


def telling(lines: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the last lines that tell of trouble, each once; the very last where none does."""
    found = dict.fromkeys(line for line in lines if TELLING.search(line))
    return tuple(found)[-count:] or tuple(lines[-count:])


def last(service: Service, count: int = 5) -> tuple[str, ...]:
    """Return the last lines of a service, as evidence."""
    return service.said[-count:]
