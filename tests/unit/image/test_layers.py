"""The same files give the same image, and what is packed is what an engine expects."""

from __future__ import annotations

import functools
import io
import json
import os
import tarfile
from pathlib import Path

from alfred_dev.image import code, layers, pull
from alfred_dev.image.contexts import fingerprint, why_not
from alfred_dev.image.layers import add_tree, archive, config, image_id, pack
from alfred_dev.image.pull import FINAL
from tests.architecture.test_imports import MAY_IMPORT


def tree(folder: Path) -> Path:
    (folder / "b").mkdir(parents=True)
    (folder / "b/file").write_text("text")
    (folder / "a").write_text("#!/bin/sh")
    (folder / "a").chmod(0o700)
    (folder / "link").symlink_to("a")
    return folder


def test_a_layer_does_not_depend_on_time_owner_or_umask(tmp_path: Path) -> None:
    one, two = tree(tmp_path / "one"), tree(tmp_path / "two")
    os.utime(two / "a", (1, 1))
    (two / "b/file").chmod(0o600)
    packed = [
        pack(
            tmp_path / f"{tree.name}.tar", functools.partial(add_tree, folder=tree, prefix="opt/x")
        )
        for tree in (one, two)
    ]
    assert packed[0].digest == packed[1].digest
    with tarfile.open(tmp_path / "one.tar") as tar:
        found = {m.name: (m.mode, m.uid, m.linkname) for m in tar}
    assert found["opt/x/a"] == (0o755, 0, "")
    assert found["opt/x/b/file"] == (0o644, 0, "")
    assert found["opt/x/link"] == (0o777, 0, "a")


def test_an_archive_names_its_image_by_its_digest(tmp_path: Path) -> None:
    layer = pack(tmp_path / "l.tar", lambda t: add_tree(t, tree(tmp_path / "t"), "x"))
    below = layers.Layer(digest="sha256:" + "0" * 64)
    made = config([below.digest, layer.digest], architecture="amd64", environment={}, labels={})
    out = io.BytesIO()
    archive(out, [below, layer], made, "name:tag")
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        names = tar.getnames()
        manifest = json.load(tar.extractfile("manifest.json"))[0]  # type: ignore[arg-type]
    assert manifest["Config"] == image_id(made).removeprefix("sha256:") + ".json"
    assert manifest["RepoTags"] == ["name:tag"]
    assert len(manifest["Layers"]) == 2
    assert len([n for n in names if n.endswith("layer.tar")]) == 1  # the other is in the engine


def test_the_image_holds_all_that_an_embedded_service_imports() -> None:
    needed, todo = set(), ["embedded"]
    while todo:
        room = todo.pop()
        if room not in needed:
            needed.add(room)
            todo += MAY_IMPORT[room]
    held = {Path(name).stem for name in code.ROOMS}
    assert needed <= held


def test_the_code_has_a_fingerprint_without_byte_code() -> None:
    assert code.fingerprint() == code.fingerprint()
    assert not [f for f in code.files() if "__pycache__" in f.parts]
    assert Path("catalog/services.yaml") in code.files()


def test_a_context_changes_with_every_file(tmp_path: Path) -> None:
    assert "no folder" in why_not(tmp_path / "gone")
    assert "no Dockerfile" in why_not(tmp_path)
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    assert why_not(tmp_path) == ""
    before = fingerprint(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/index").write_text("x")
    assert fingerprint(tmp_path) == before
    (tmp_path / "new").write_text("")
    assert fingerprint(tmp_path) != before


def test_only_what_may_pass_is_tried_again() -> None:
    for said in ("manifest unknown", "lookup x: no such host", "denied: requested access"):
        assert FINAL.search(said)
    for said in ("i/o timeout", "TLS handshake timeout", "503 Service Unavailable", "EOF"):
        assert not FINAL.search(said)
    assert pull.PAUSES_S
