"""All collections and aliases, in one folder. One thread at a time."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from alfred_dev.embedded.refused import RefusedError
from alfred_dev.embedded.vectors.collection import Collection
from alfred_dev.embedded.vectors.errors import VectorError, bad

Json = Mapping[str, Any]
NAME_BYTES = 255
_SCRATCH = "~"  # no quoted name begins so
_ATTEMPTS = 3


class Store:
    """Everything that is kept. Raises VectorError; bodies are those of Qdrant's REST."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collections: dict[str, Collection] = {}
        self.aliases: dict[str, str] = {}

    def open(self) -> None:
        """Load everything. Raises RefusedError for what cannot be read; then nothing is changed."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(self.folder.iterdir()):
            if path.name.startswith(_SCRATCH):
                shutil.rmtree(path)  # was never acknowledged, or is deleted
            elif path.is_dir():
                self.collections[unquote(path.name)] = self._load(path)
        self.aliases = self._load_aliases()

    def close(self) -> None:
        """Write everything to the files and let go of them."""
        for collection in self.collections.values():
            collection.close()

    def seal(self) -> None:
        """Write everything to the files."""
        for collection in self.collections.values():
            collection.seal()

    def get(self, name: str) -> Collection:
        """Return a collection by its name, or by an alias."""
        found = self.collections.get(self.aliases.get(name, name))
        if found is None:
            raise VectorError(404, f"Not found: Collection `{name}` doesn't exist!")
        return found

    def exists(self, name: str) -> bool:
        """Tell whether a collection has this name or alias."""
        return self.aliases.get(name, name) in self.collections

    def create(self, name: str, config: Json) -> bool:
        """Make a collection. 409 when there is one."""
        path = self._path(name)
        if name in self.collections or name in self.aliases:
            raise VectorError(409, f"Wrong input: Collection `{name}` already exists!")
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self.folder))
        try:
            Collection.create(scratch, config)
            scratch.rename(path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self.collections[name] = Collection.load(path)
        return True

    def delete(self, name: str) -> bool:
        """Delete a collection and the aliases that lead to it; False when there is none."""
        name = self.aliases.get(name, name)
        collection = self.collections.pop(name, None)
        if collection is None:
            return False
        collection.close()
        scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self.folder))
        collection.folder.rename(scratch / "gone")
        shutil.rmtree(scratch)
        self._keep_aliases({a: n for a, n in self.aliases.items() if n != name})
        return True

    def change_aliases(self, body: Json) -> bool:
        """Create, rename and delete aliases, all of them or none."""
        changed = dict(self.aliases)
        for action in body["actions"]:
            (kind, data), *_ = action.items()
            if kind == "create_alias":
                self._point(changed, data["alias_name"], data["collection_name"])
            elif kind == "rename_alias":
                target = _taken(changed, data["old_alias_name"])
                self._point(changed, data["new_alias_name"], target)
            elif kind == "delete_alias":
                _taken(changed, data["alias_name"])
            else:
                raise bad(f"there is no action {kind}")
        self._keep_aliases(changed)
        return True

    def _point(self, aliases: dict[str, str], alias: str, name: str) -> None:
        if name not in self.collections:
            raise VectorError(404, f"Not found: Collection `{name}` doesn't exist!")
        if alias in self.collections:
            raise VectorError(409, f"Wrong input: Collection `{alias}` already exists!")
        aliases[alias] = name

    def _keep_aliases(self, aliases: dict[str, str]) -> None:
        if aliases != self.aliases:
            scratch = self._aliases_file.with_suffix(".new")
            scratch.write_text(json.dumps(aliases))
            scratch.replace(self._aliases_file)
        self.aliases = aliases

    @property
    def _aliases_file(self) -> Path:
        return self.folder / "aliases.json"

    def _load_aliases(self) -> dict[str, str]:
        path = self._aliases_file
        if not path.exists():
            return {}
        try:
            found = json.loads(path.read_text())
            return {str(alias): str(name) for alias, name in found.items()}
        except (ValueError, AttributeError) as error:
            raise _unreadable(path, str(error)) from None

    def _path(self, name: str) -> Path:
        quoted = quote(name, safe="").replace("~", "%7E").replace(".", "%2E")
        if not quoted or len(quoted) > NAME_BYTES:
            raise bad(f"the name of a collection has 1 to {NAME_BYTES} characters")
        return self.folder / quoted

    def _load(self, path: Path) -> Collection:
        """Load one collection. What ended the engine several times is not tried again."""
        mark = self.folder / f"{path.name}.loading"
        tried = len(mark.read_text()) if mark.exists() else 0
        if tried >= _ATTEMPTS:
            mark.unlink()
            raise _unreadable(path, f"reading it has ended the engine {tried} times")
        mark.write_text("x" * (tried + 1))
        try:
            return Collection.load(path)
        except VectorError as error:
            raise _unreadable(path, error.message) from None
        finally:
            mark.unlink()


def _taken(aliases: dict[str, str], alias: str) -> str:
    if alias not in aliases:
        raise VectorError(404, f"Not found: Alias {alias} does not exists!")
    return aliases.pop(alias)


def _unreadable(path: Path, cause: str) -> RefusedError:
    return RefusedError(
        "data-unreadable",
        "the vector database does not start",
        cause=f"{path} cannot be read: {cause}; nothing was changed",
        fix=[f"put a copy of it back, or begin it anew: mv '{path}' '{path.parent}.{path.name}'"],
    )
