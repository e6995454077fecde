"""The one list of names: complete, without doubles, the same every time."""

from __future__ import annotations

from dataclasses import replace

from alfred_dev import hostnames
from tests.worlds import catalog

DOMAIN = "dev.alfred-platform.example.com"


def test_every_public_name_leads_where_people_expect() -> None:
    found = {h.name: h.leads_to for h in hostnames.hostnames(catalog(), DOMAIN)}
    for base in (DOMAIN, "alfred.localhost"):
        assert found[base] == "dashboard"
        assert found[f"api.{base}"] == "api"
        assert found[f"auth.{base}"] == "auth"
        assert found[f"dashboard.{base}"] == "dashboard"
        assert found[f"ui.{base}"] == "ui-chat"
        assert found[f"admin.{base}"] == "ui-admin"
        assert found[f"grafana.{base}"] == "monitoring-dashboard"
        assert found[f"prometheus.{base}"] == "monitoring-metrics"
        assert found[f"mail.{base}"] == "mail-server"
        assert found[f"agent-core.{base}"] == "agent-core"
    assert len(found) == 2 * (4 + 5 + 17)


def test_what_speaks_no_http_has_a_name_that_the_gateway_does_not_answer_for() -> None:
    direct = {h.leads_to for h in hostnames.hostnames(catalog(), DOMAIN) if not h.web}
    assert direct == {"db-postgres", "redis"}
    every = hostnames.names(catalog(), DOMAIN)
    web = hostnames.names(catalog(), DOMAIN, web_only=True)
    assert set(every) - set(web) == {
        f"{name}.{base}" for name in direct for base in (DOMAIN, "alfred.localhost")
    }


def test_each_name_stands_once_even_when_the_domain_is_alfred_localhost() -> None:
    found = hostnames.names(catalog(), "alfred.localhost")
    assert len(found) == len(set(found)) == 4 + 5 + 17


def test_a_task_has_no_name() -> None:
    whole = catalog()
    task = replace(whole.services["agent-core"], id="migrate", ports=(), ends=True)
    more = replace(whole, services={**whole.services, "migrate": task})
    assert hostnames.names(more, DOMAIN) == hostnames.names(whole, DOMAIN)
