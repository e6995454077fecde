"""Our own dnsmasq: planned only where the system was told to ask it."""

from __future__ import annotations

from pathlib import Path

from alfred_dev.ledger import Ledger, location
from alfred_dev.names import helper
from alfred_dev.names.base import Wanted, pack
from alfred_dev.plan import Facts
from alfred_dev.planner import make
from tests import worlds

WANTED = Wanted(plain=("db.dev.test",), domains=("dev.test",), servers=("127.0.0.1:8053",))


def test_it_is_asked_only_for_those_who_told_the_system(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert helper.asked({}, tmp_path, one) is None
    ledger = Ledger(location({}, tmp_path) / "ledger.json")
    ledger.begin("resolved", "/etc/systemd/x", one, wants=pack(WANTED))
    ledger.begin("hosts_file", "/etc/hosts", two, wants=["name x"])
    assert helper.asked({}, tmp_path, one) == WANTED
    assert helper.asked({}, tmp_path, two) is None
    ledger.file.write_text("{")
    assert helper.asked({}, tmp_path, one) is None


def test_it_is_a_helper_with_the_port_of_its_slot() -> None:
    facts = Facts(engines=worlds.ENGINES)
    catalog, known = helper.join(worlds.catalog(), facts, WANTED, "/usr/sbin/dnsmasq")
    plan = make(catalog, worlds.settings(), known, slot=2)
    planned = plan[helper.ID]
    assert planned.kind == "helper"
    assert planned.endpoints[0].port == 28053
    assert planned.source.path == "/usr/sbin/dnsmasq"


def test_without_dnsmasq_it_is_left_out_and_without_need_it_is_not_there() -> None:
    facts = Facts(engines=worlds.ENGINES)
    catalog, known = helper.join(worlds.catalog(), facts, WANTED, None)
    plan = make(catalog, worlds.settings(), known)
    assert plan.absent[helper.ID] == helper.MISSING
    assert helper.join(worlds.catalog(), facts, None, "/x")[0] == worlds.catalog()
