"""``python -m alfred_dev.embedded SERVICE``: run one service in the foreground."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from alfred_dev import garbage
from alfred_dev.embedded.spec import VARIABLE, EmbeddedSpec, SpecError
from alfred_dev.errors import AlfredError, InterruptedByUser, UsageError


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the service that ``arguments`` names; return the exit code. Errors are one line."""
    try:
        _run(arguments, environ)
    except AlfredError as error:
        steps = "; to mend it: " + " | ".join(error.fix) if error.fix else ""
        _say(f"{error.what}: {error.cause}{steps}")
        return error.exit_code
    except OSError as error:  # the machine's own words: a folder not to be written, a full disk
        _say(f"{arguments[0]} cannot run: {error.filename or ''}: {error.strerror or error}")
        return AlfredError.exit_code
    except KeyboardInterrupt:  # before there was anything to end in order
        return InterruptedByUser.exit_code
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text.replace("\n", " ") + "\n")


def _run(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    if len(arguments) != 1:
        raise UsageError(
            "usage",
            "one service must be named",
            cause=f"{len(arguments)} names were given",
            fix=["python -m alfred_dev.embedded SERVICE"],
        )
    if VARIABLE not in environ:
        raise SpecError("it is not set")
    spec = EmbeddedSpec.from_json(environ[VARIABLE])
    if spec.id != arguments[0]:
        raise SpecError(f"it describes {spec.id}, not {arguments[0]}")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # or grpc writes to stderr as it likes
    # Each kind imports what it needs: fifteen of these start at once.
    if spec.stands_in:
        from alfred_dev.embedded import play

        play.run(spec, environ)
        return
    from alfred_dev.embedded.engines import ENGINES

    if spec.id in ENGINES:
        importlib.import_module(ENGINES[spec.id].module).run(spec, environ)
    else:
        raise UsageError(
            "unknown-service",
            f"{spec.id} cannot run here",
            cause="it is an unknown service: no engine is embedded for it",
            fix=["alfred-dev ports"],
        )


if __name__ == "__main__":
    garbage.put_off()  # until it serves
    sys.exit(main(sys.argv[1:], os.environ))
