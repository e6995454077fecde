"""A checkout's own files: where they are, and the only code that writes them.

Writes are atomic (temporary file, fsync, rename in the same folder), so a full disk or a kill
leaves the old file. Everything under ``.alfred/`` is for this user alone.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alfred_dev.errors import MachineError, UsageError

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
OPEN_DIR = 0o755


@dataclass(frozen=True, slots=True)
class Artifact:
    """A rendered file: path relative to the render folder, and its text.

    ``mode``: more than this user may read what a container mounts; the folder above is closed.
    """

    path: str
    text: str
    mode: int = PRIVATE_FILE


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths of one checkout."""

    root: Path

    @property
    def env_file(self) -> Path:
        """``.env``: the checkout's own settings and passwords."""
        return self.root / ".env"

    @property
    def home(self) -> Path:
        """``.alfred/``: everything that is made here, never committed."""
        return self.root / ".alfred"

    @property
    def render(self) -> Path:
        """What the plan was written to."""
        return self.home / "render"

    @property
    def rendered(self) -> Path:
        """Path below ``render`` -> SHA-256 of what was written there."""
        return self.home / "rendered.json"

    @property
    def data(self) -> Path:
        """One folder a durable service."""
        return self.home / "data"

    @property
    def logs(self) -> Path:
        """One rotating file a service."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """What describes running processes."""
        return self.home / "run"

    @property
    def doors(self) -> Path:
        """Sockets of the gateway: its own pages, what tunnels call, and the dashboard's."""
        return self.run / "gateway"

    @property
    def tunnel_door(self) -> Path:
        """The gateway's socket for tunnels alone."""
        return self.doors / "tunnel.sock"

    @property
    def relay(self) -> Path:
        """Sockets through which containers reach what the developer runs."""
        return self.home / "relay"

    @property
    def project(self) -> str:
        """The checkout's identity: ``alfred-<hash of its path>``."""
        return "alfred-" + hashlib.sha256(os.fsencode(self.root)).hexdigest()[:10]

    def prepare(self) -> None:
        """Make the folders. Raises MachineError when that is not allowed."""
        for folder in (self.home, self.render, self.data, self.logs, self.run, self.doors):
            make_private_folder(folder)

    def write_render(self, artifacts: Iterable[Artifact]) -> None:
        """Make the render folder hold exactly ``artifacts``."""
        make_private_folder(self.render)
        wanted = {artifact.path: artifact for artifact in artifacts}
        for old in files_below(self.render):
            if str(old.relative_to(self.render)) not in wanted:
                old.unlink(missing_ok=True)
        for name, artifact in wanted.items():
            path = self.render / name
            make_private_folder(path.parent)
            if artifact.mode & stat.S_IROTH:
                self._open_folders(path.parent)
            write(path, artifact.text.encode(), mode=artifact.mode)
        self.note_render(wanted.values(), {})

    def note_render(self, artifacts: Iterable[Artifact], others: Mapping[str, str]) -> None:
        """Write down what ``artifacts`` were written as, so that an edit by hand can be told from
        what is merely older than the configuration; ``others``: what still holds of before."""
        new = {a.path: digest(a.text.encode()) for a in artifacts}
        write(self.rendered, (json.dumps({**others, **new}, indent=0) + "\n").encode())

    def noted_render(self) -> Mapping[str, str]:
        """Return what ``note_render`` wrote down; nothing where that cannot be read."""
        try:
            found = json.loads(self.rendered.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _open_folders(self, folder: Path) -> None:
        """Let a container that mounts ``folder`` look into it; the render folder stays closed."""
        while folder not in (self.render, self.home):
            folder.chmod(OPEN_DIR)
            folder = folder.parent


def digest(data: bytes) -> str:
    """Return the SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` with mode 0700 (and its parents)."""
    try:
        folder.mkdir(mode=PRIVATE_DIR, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) != PRIVATE_DIR:
            folder.chmod(PRIVATE_DIR)
    except OSError as error:
        raise cannot_write(folder, error) from error


def read_bytes(path: Path) -> bytes | None:
    """Return the content of ``path``, None when it does not exist. Raises UsageError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        fixes = {
            errno.EACCES: f"chmod u+r '{path}'",
            errno.EISDIR: f"mv '{path}' '{path}.old'   (it is a folder)",
        }
        fix = [fixes.get(error.errno or 0, f"ls -ld '{path}'")]
        raise UsageError(
            "file-unreadable",
            f"{path.name} cannot be read",
            cause=f"{path}: {error.strerror}",
            fix=fix,
            where=str(path),
        ) from error


def refuse_symlink(path: Path) -> None:
    """Raise UsageError where ``path`` is a symbolic link."""
    if path.is_symlink():
        raise UsageError(
            "symlink-refused",
            f"{path.name} is not written",
            cause=f"{path} is a symbolic link to {path.readlink()}: secrets stay in the checkout",
            fix=[f"rm '{path}'"],
            where=str(path),
        )


def write(path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> bool:
    """Write ``data`` to ``path`` atomically; return whether that changed it.

    Refuses a symlink (a secret would land elsewhere). Raises MachineError: nothing half-written.
    """
    refuse_symlink(path)
    try:
        if _same(path, data, mode):
            return False
        _replace(path, data, mode)
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def _same(path: Path, data: bytes, mode: int) -> bool:
    try:
        same_mode = stat.S_IMODE(path.stat().st_mode) == mode
        return same_mode and path.read_bytes() == data
    except (FileNotFoundError, PermissionError):
        return False


def _replace(path: Path, data: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def files_below(folder: Path) -> list[Path]:
    """Return every file in ``folder`` and below, sorted; a folder that goes meanwhile is passed
    over, as Path.rglob does not."""
    return sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names)


def sweep(path: Path) -> None:
    """Delete what a kill left of a ``write`` of ``path``."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
        left.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> MachineError:
    """Say why ``path`` cannot be written, and what to type."""
    folder = path.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        code, fix = "disk-full", [f"df -h '{folder}'", "free some space, then try again"]
    elif error.errno == errno.EROFS:
        code, fix = "not-writable", [f"findmnt -T '{folder}'   (mounted read-only)"]
    else:
        code, fix = "not-writable", [f"ls -ld '{folder}'", f"sudo chown -R $(id -un) '{folder}'"]
    cause = f"{path}: {error.strerror}; the old content stands"
    return MachineError(code, f"{path.name} cannot be written", cause=cause, fix=fix)


def delete_tree(folder: Path) -> None:
    """Delete ``folder`` and all in it; no error when it is not there."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(Path(error.filename or folder), error) from error


def find_root(start: Path, clone: Path, home: Path) -> Path:
    """Return the project that ``start`` belongs to.

    The nearest folder upward with an alfred.yaml, a clone of alfred-dev, or a folder in which
    something was started; the search stops at
    the git root, at a folder of another owner, and at ``home``. Else ``clone``, the folder that
    this program runs from, when that is a clone. Raises UsageError.
    """
    owner = start.stat().st_uid
    for folder in (start, *start.parents):
        if folder.stat().st_uid != owner or folder == home:
            break
        if (folder / "alfred.yaml").exists() or is_clone(folder) or has_run(folder):
            return folder
        if (folder / ".git").exists():
            break
    if is_clone(clone):
        return clone
    raise UsageError(
        "no-project",
        "this folder belongs to no project",
        cause=f"nothing from {start} upward is a clone of alfred-dev or has an alfred.yaml",
        fix=["cd into your clone of alfred-dev", "or make this folder a project: alfred-dev init"],
    )


def has_run(folder: Path) -> bool:
    """Tell whether something was started in ``folder``: it can be ended without its alfred.yaml."""
    return (folder / ".alfred" / "runtime.json").is_file()


def is_clone(folder: Path) -> bool:
    """Tell whether ``folder`` is a clone of alfred-dev."""
    return (folder / "scripts" / "alfred-dev").is_file() and (folder / "alfred_dev").is_dir()
