"""Every container trusts our CA: the bundle is mounted, and the variables name it."""

from __future__ import annotations

from typing import Any

from alfred_dev.render import trust
from alfred_dev.render.compose import FILES


def document() -> dict[str, Any]:
    return {
        "services": {
            "one": {"environment": {"SSL_CERT_FILE": "/mine.pem"}, "labels": {FILES: "abc"}},
            "two": {"volumes": [{"type": "volume"}]},
        }
    }


def test_the_bundle_is_mounted_read_only_and_named() -> None:
    made = document()
    (file,) = trust.add(made, "PEM")
    assert (file.path, file.text) == ("trust/ca-bundle.pem", "PEM")
    one, two = made["services"]["one"], made["services"]["two"]
    assert one["environment"]["SSL_CERT_FILE"] == "/mine.pem", "a service's own word stands"
    assert two["environment"]["NODE_EXTRA_CA_CERTS"] == "/etc/alfred/ca-bundle.pem"
    assert two["volumes"][-1]["read_only"]
    assert two["volumes"][0] == {"type": "volume"}


def test_other_authorities_make_the_container_anew() -> None:
    made, other = document(), document()
    trust.add(made, "PEM")
    trust.add(other, "PEM 2")
    for name in ("one", "two"):
        labels = [d["services"][name]["labels"][FILES] for d in (made, other)]
        assert labels[0] != labels[1]


def test_without_a_ca_nothing_is_added() -> None:
    made = document()
    assert trust.add(made, "") == ()
    assert made == document()
