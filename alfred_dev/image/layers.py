"""Layers and images as bytes: the same files give the same digest, anywhere, any time."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

EPOCH = 1_600_000_000  # the time of every file: a cache may compare it, nobody cares what it is
USER = 65_532


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: its tar file, empty when only the engine has it, and the digest of that."""

    digest: str
    path: Path | None = None


class _Digesting(io.RawIOBase):
    """Writes to a file, and knows the digest of all that went through."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.file, self.digest = file, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self.file.write(data)


def pack(path: Path, members: Callable[[tarfile.TarFile], None]) -> Layer:
    """Write a layer to ``path``; ``members`` adds what is in it, in a fixed order."""
    with path.open("wb") as file:
        digesting = _Digesting(file)
        with tarfile.open(fileobj=digesting, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            members(tar)
    return Layer(digest=f"sha256:{digesting.digest.hexdigest()}", path=path)


def add_tree(
    tar: tarfile.TarFile,
    folder: Path,
    prefix: str,
    wanted: Callable[[str], bool] = lambda _: True,
) -> None:
    """Add everything in ``folder`` below ``prefix`` in the image, sorted; owned by root.

    ``wanted`` is asked for each path relative to ``folder``.
    """
    for path in sorted(folder.rglob("*")):
        relative = str(path.relative_to(folder))
        if wanted(relative):
            _add(tar, path, f"{prefix}/{relative}".lstrip("/"))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    found = path.lstat()
    info = tarfile.TarInfo(name)
    info.mtime = EPOCH
    if stat.S_ISLNK(found.st_mode):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        tar.addfile(info)
    elif stat.S_ISDIR(found.st_mode):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)
    elif stat.S_ISREG(found.st_mode):
        # Whatever the umask was: everybody may read, and what was a program stays one.
        info.mode = 0o755 if found.st_mode & 0o100 else 0o644
        info.size = found.st_size
        with path.open("rb") as file:
            tar.addfile(info, file)


def add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    """Add a file that is not on the disk."""
    data = text.encode()
    info = tarfile.TarInfo(name)
    info.mtime, info.mode, info.size = EPOCH, 0o644, len(data)
    tar.addfile(info, io.BytesIO(data))


def add_folder(tar: tarfile.TarFile, name: str, *, mode: int = 0o755, owner: int = 0) -> None:
    """Add an empty folder."""
    info = tarfile.TarInfo(name)
    info.type, info.mtime, info.mode, info.uid, info.gid = (
        tarfile.DIRTYPE, EPOCH, mode, owner, owner,
    )  # fmt: skip
    tar.addfile(info)


def config(
    layers: Iterable[str],
    *,
    architecture: str,
    environment: Mapping[str, str],
    labels: Mapping[str, str],
) -> bytes:
    """Return the image's configuration; its digest is the image's id."""
    digests = list(layers)
    made = "2020-09-13T12:26:40Z"
    document = {
        "architecture": architecture,
        "os": "linux",
        "created": made,
        "config": {
            "User": f"{USER}:{USER}",
            "Env": [f"{key}={value}" for key, value in environment.items()],
            "Labels": dict(labels),
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": digests},
        "history": [{"created": made, "created_by": "alfred-dev"} for _ in digests],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def image_id(configuration: bytes) -> str:
    """Return the id that an engine gives to an image."""
    return f"sha256:{hashlib.sha256(configuration).hexdigest()}"


def archive(out: IO[bytes], layers: Iterable[Layer], configuration: bytes, name: str) -> None:
    """Write what ``docker load`` reads. Layers without a file must be in the engine already."""
    known = list(layers)
    names = [f"{layer.digest.removeprefix('sha256:')}/layer.tar" for layer in known]
    config_name = f"{image_id(configuration).removeprefix('sha256:')}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": names}]
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        add_text(tar, "manifest.json", json.dumps(manifest))
        add_text(tar, config_name, configuration.decode())
        for layer, member in zip(known, names, strict=True):
            if layer.path is not None:
                _add(tar, layer.path, member)
