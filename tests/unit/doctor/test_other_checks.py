"""Checks that look at other things than services: each kind of trouble, and silence without."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alfred_dev.doctor.checks import (
    ca_untrusted,
    ca_unusable,
    certificate_served,
    certificate_unusable,
    clock,
    config_invalid,
    container_mounts,
    container_network,
    container_paused,
    container_public,
    container_untidy,
    cpu_busy,
    disk,
    disk_read_only,
    endpoint_wrong,
    engine_down,
    env_untidy,
    firewall,
    gateway_route,
    inotify_exhausted,
    loopback,
    name_elsewhere,
    names_lost,
    names_unanswered,
    no_project,
    password_mismatch,
    password_open,
    proxy,
    setup_not_done,
)
from alfred_dev.doctor.look.busy import Busy, Hog, Strained
from alfred_dev.doctor.look.certs import Certs, Leaf
from alfred_dev.doctor.look.configuration import Configuration, EnvFile
from alfred_dev.doctor.look.engine import Container, Containers
from alfred_dev.doctor.look.gateway import Route, Routes
from alfred_dev.doctor.look.health import Alarms
from alfred_dev.doctor.look.machine import Machine, Space
from alfred_dev.doctor.look.naming import Done, Naming, Setup, Trusting
from alfred_dev.doctor.look.secrets import RUNNING, Passwords, Refused
from alfred_dev.doctor.look.told import Endpoints, Told
from alfred_dev.doctor.look.watching import Watching
from alfred_dev.doctor.model import Check, Severity
from alfred_dev.doctor.tls import Handshake
from alfred_dev.errors import ConfigError, MachineError, Problem, UsageError
from alfred_dev.names.resolve import Resolution
from alfred_dev.probe.base import Reason, ill, well
from alfred_dev.runtime.base import State
from alfred_dev.settings import Origin
from tests.unit.doctor.scenes import given, judged, seen

GB = 1 << 30
SPACE = Space(folder="/p", free=50 * GB, total=100 * GB, inodes_free=10**6, inodes=10**7)
MACHINE = Machine(spaces=(SPACE,), localhost=("127.0.0.1", "::1"))
NOTHING = Configuration(present=True, files=())


def causes(check: Check, look: object, **known: object) -> list[str]:
    return [finding.cause for finding in judged(check, look, given(**known))]


def test_a_sound_machine_has_no_finding() -> None:
    for check in (loopback, disk, disk_read_only, firewall, clock):
        assert causes(check.CHECK, MACHINE) == []


@pytest.mark.parametrize(
    ("space", "severity"),
    [
        (replace(SPACE, free=0), Severity.ERROR),
        (replace(SPACE, free=50 << 20), Severity.ERROR),
        (replace(SPACE, free=500 << 20), Severity.WARNING),
        (replace(SPACE, inodes_free=0), Severity.ERROR),
        (replace(SPACE, error="No space left on device"), Severity.ERROR),
    ],
)
def test_a_disk_that_is_full_or_nearly(space: Space, severity: Severity) -> None:
    (found,) = judged(disk.CHECK, replace(MACHINE, spaces=(space,)))
    assert found.severity is severity


def test_a_folder_that_takes_no_file() -> None:
    machine = replace(MACHINE, spaces=(replace(SPACE, error="Read-only file system"),))
    assert judged(disk.CHECK, machine) == []
    (found,) = judged(disk_read_only.CHECK, machine)
    assert "remount,rw" in found.fix.commands[0]


@pytest.mark.parametrize(
    ("rule", "subject", "command"),
    [
        ("-A INPUT -p tcp -m tcp --dport 5432 -j DROP", "db-postgres", "iptables -D INPUT"),
        ("-A OUTPUT -p tcp --dports 6379,1 -j REJECT", "redis", "iptables -D OUTPUT"),
        ("-A INPUT -i lo -j DROP", "loopback", "iptables -D INPUT -i lo -j DROP"),
        ("-A INPUT -d ::1/128 -p tcp --dport 8080 -j DROP", "model-router", "ip6tables -D INPUT"),
    ],
)
def test_a_rule_that_names_our_port(rule: str, subject: str, command: str) -> None:
    (found,) = judged(firewall.CHECK, replace(MACHINE, firewall=(rule,)))
    assert found.subject == subject
    assert found.fix.commands[0].startswith(command)


@pytest.mark.parametrize(
    "rule", ["-A INPUT -p tcp --dport 22 -j DROP", "-A FORWARD ! -i docker0 -o docker0 -j DROP",
             "-A INPUT -i eth0 -p tcp --dport 5432 -j DROP"],
)  # fmt: skip
def test_a_rule_of_somebody_else(rule: str) -> None:
    assert judged(firewall.CHECK, replace(MACHINE, firewall=(rule,))) == []


def test_loopback_and_the_clock() -> None:
    down = replace(MACHINE, loopback4="Cannot assign requested address", localhost=())
    assert len(causes(loopback.CHECK, down)) == 2
    unread = replace(MACHINE, localhost=(), in_hosts=True, resolver="hosts: dns")
    (found,) = judged(loopback.CHECK, unread)
    assert "nsswitch.conf does not have that file asked" in found.cause
    assert found.fix.commands == ("sed -i 's/^hosts: dns/hosts: files dns/' /etc/nsswitch.conf",)
    assert "in the future" in causes(clock.CHECK, replace(MACHINE, future_s=7200.0))[0]


def test_a_hog_is_a_warning_until_somebody_is_late() -> None:
    hog = Hog(pids=(1, 2), program="yes", share=1.9)
    busy = Busy(idle=0.0, waiting=4.0, processors=2, hogs=(hog,))
    (calm,) = judged(cpu_busy.CHECK, Strained(busy=busy))
    (late,) = judged(cpu_busy.CHECK, Strained(busy=busy, late=("redis",)))
    assert (calm.severity, late.severity) == (Severity.WARNING, Severity.ERROR)
    assert calm.fix.manual  # it is not ours to end
    assert judged(cpu_busy.CHECK, Strained(busy=replace(busy, idle=0.5))) == []


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, 0),
        ({"http_proxy": "http://p:1"}, 1),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, 0),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "localhost,127.0.0.1,.example.com"}, 0),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "localhost"}, 1),
    ],
)
def test_a_proxy_without_exceptions(environment: dict[str, str], found: int) -> None:
    assert len(causes(proxy.CHECK, NOTHING, environment=environment)) == found


@pytest.mark.parametrize(
    ("problem", "commands"),
    [
        (Problem("alfred.yaml", 3, 1, "unknown key prots (did you mean ports?)"),
         ("sed -i '3s/prots/ports/' alfred.yaml",)),
        (Problem(".env", 6, 1, "expected KEY=VALUE"), ("sed -i '6s/^/# /' .env",)),
        (Problem(".env", 5, 1, "ALFRED_DEBUG: expected true or false, found 'x'"),
         ("sed -i '5d' .env",)),
        (Problem("environment", 1, 1, "ALFRED_DEBUG: expected true or false, found 'x'"),
         ("unset ALFRED_DEBUG",)),
    ],
)  # fmt: skip
def test_a_mistake_of_one_line_has_its_correction(
    problem: Problem, commands: tuple[str, ...]
) -> None:
    known = given(problem=ConfigError("it cannot be used", [problem]))
    (found,) = judged(config_invalid.CHECK, NOTHING, known)
    assert found.fix.commands == commands
    assert str(problem) in found.evidence


def test_problems_of_the_engine_and_of_the_place_are_told_apart() -> None:
    engine = MachineError("engine-down", "it is down", cause="no socket", fix=["sudo x   (so)"])
    place = UsageError("no-project", "no project", cause="none")
    for problem, check in ((engine, engine_down.CHECK), (place, no_project.CHECK)):
        assert judged(config_invalid.CHECK, NOTHING, given(problem=problem)) == []
        assert len(judged(check, NOTHING, given(problem=problem))) == 1
    shell = given(problem=engine, environment={"DOCKER_HOST": "unix:///x"})
    assert judged(engine_down.CHECK, NOTHING, shell)[0].fix.commands == ("unset DOCKER_HOST",)


def test_what_is_easily_misread_in_env() -> None:
    file = EnvFile(path=".env", crlf=4, twice=(("ALFRED_DEBUG", (1, 9)),),
                   placeholders=(("ALFRED_OPENAI_API_KEY", 3),))  # fmt: skip
    found = judged(env_untidy.CHECK, Configuration(present=True, files=(file,)))
    commands = [f.fix.commands[0] for f in found]
    assert commands == ["sed -i 's/\\r$//' .env", "sed -i '1d' .env", "sed -i '3s/=.*/=/' .env"]


@pytest.mark.parametrize(
    ("layer", "works", "command"),
    [
        ("environment", ".env (.env:1)", "unset POSTGRES_PASSWORD"),
        (".env", RUNNING, "alfred-dev doctor password-mismatch --fix --yes"),
        (".env", "", "alfred-dev doctor password-mismatch --fix --yes"),
    ],
)
def test_a_refused_password_says_which_layer_is_wrong(layer: str, works: str, command: str) -> None:
    row = Refused(service="db-postgres", key="POSTGRES_PASSWORD", origin=Origin(layer),
                  works=works, open=False, detail="password authentication failed")  # fmt: skip
    look = Passwords(rows=(row,), services=seen())
    (found,) = judged(password_mismatch.CHECK, look)
    assert found.fix.commands[0] == command
    assert judged(password_open.CHECK, look) == []
    open_ = Passwords(rows=(replace(row, open=True),), services=seen())
    assert len(judged(password_open.CHECK, open_)) == 1


def test_a_wrong_endpoint_names_the_line_and_what_is_right() -> None:
    row = Told(
        service="ui-chat", dependency="agent-core", variable="ALFRED_API_URL",
        shown="localhost:8011", right="agent-core:8011", differs=("host",), where="alfred.yaml:4",
        result=ill(Reason.OTHER, "inside a container localhost is that container itself"),
    )  # fmt: skip
    (found,) = judged(endpoint_wrong.CHECK, Endpoints(rows=(row,), services=seen()))
    assert "alfred.yaml:4" in found.cause
    assert found.fix.commands[0] == "alfred-dev config unset services.ui-chat.env.ALFRED_API_URL"
    works = replace(row, result=well("answers"))
    assert judged(endpoint_wrong.CHECK, Endpoints(rows=(works,), services=seen())) == []
    # Where the configuration cannot be read, only what demonstrably fails counts.
    guess = given(guessed=True)
    assert judged(endpoint_wrong.CHECK, Endpoints(rows=(row,), services=seen()), guess) == []
    ill_one = seen(answers={row.service: ill(Reason.STATUS, "503")})
    assert judged(endpoint_wrong.CHECK, Endpoints(rows=(row,), services=ill_one), guess)


REDIS = Container(service="redis", name="p-redis-1", state="running", networks=("alfred-network",),
                  published=("127.0.0.1:6379",))  # fmt: skip


def containers(*ours: Container, **more: object) -> Containers:
    return Containers(ours=ours, network="alfred-network", services=seen(), **more)  # type: ignore[arg-type]


def test_containers_that_are_as_they_should_be() -> None:
    for check in (container_paused, container_network, container_public, container_mounts):
        assert judged(check.CHECK, containers(REDIS)) == []
    sick = containers(replace(REDIS, health="unhealthy"))
    # The engine asks twice a minute: what it says is over counts only where its check fails now.
    assert judged(container_untidy.CHECK, Alarms(containers=sick)) == []


def test_a_file_that_all_mount_is_missed_once() -> None:
    path = "/p/.alfred/render/trust/ca-bundle.pem"
    both = containers(
        replace(REDIS, lost_mounts=(path,)),
        Container(service="agent-rag", name="p-rag-1", state="exited", lost_mounts=(path,)),
    )
    (found,) = judged(container_mounts.CHECK, both)
    assert found.about == {"redis", "agent-rag", ".alfred/render/trust/ca-bundle.pem"}
    assert found.fix.commands == (
        f"rmdir '{path}' 2>/dev/null; docker rm --force p-rag-1", "alfred-dev up",
    )  # fmt: skip


def test_what_ails_a_container() -> None:
    paused = judged(container_paused.CHECK, containers(replace(REDIS, state="paused")))
    assert paused[0].fix.commands == ("docker unpause p-redis-1",)
    apart = judged(container_network.CHECK, containers(replace(REDIS, networks=())))
    assert apart[0].fix.commands == ("docker rm --force p-redis-1", "alfred-dev up redis")
    inner = judged(container_network.CHECK, containers(REDIS, internal=True))
    assert inner[0].everything
    public = replace(REDIS, published=("0.0.0.0:6379", ":::6379"))
    assert "0.0.0.0:6379" in judged(container_public.CHECK, containers(public))[0].cause
    sick = Alarms(containers=containers(REDIS), wrong={"redis": "curl: not found"})
    assert "its health check is wrong" in judged(container_untidy.CHECK, sick)[0].cause
    others = containers(REDIS, orphans=(REDIS,), guests=(replace(REDIS, name="x"),))
    assert len(judged(container_untidy.CHECK, Alarms(containers=others))) == 2


NAME = "api.dev.example.com"
MISSING = Resolution(name=NAME, addresses=())
HERE = Resolution(name=NAME, addresses=("127.0.0.1", "::1"))
STRANGE = Resolution(name=NAME, addresses=("172.19.0.5",))
HOSTS = Done(kind="hosts_file", target="/etc/hosts", holds=True)
NAMING = (names_lost, name_elsewhere, names_unanswered)


@pytest.mark.parametrize(
    ("look", "code"),
    [
        (Naming(names=(HERE,), done=(HOSTS,)), None),
        (Naming(names=(MISSING,), absent=(NAME,)), "setup-not-done"),
        (Naming(names=(MISSING,), done=(replace(HOSTS, holds=False),), absent=(NAME,)),
         "names-lost"),
        (Naming(names=(MISSING,), done=(HOSTS,), absent=(NAME,)), "names-lost"),
        (Naming(names=(HERE,), done=(HOSTS,), torn=True), "names-lost"),
        (Naming(names=(MISSING,), done=(HOSTS,)), "names-unanswered"),
        (Naming(names=(STRANGE,), done=(HOSTS,),
                rivals=(f"/etc/hosts:3 leads {NAME} to 172.19.0.5: delete that line",)),
         "name-elsewhere"),
    ],
)  # fmt: skip
def test_why_a_name_does_not_lead_here(look: Naming, code: str | None) -> None:
    found = [check.CHECK.code for check in NAMING if judged(check.CHECK, look)]
    whole = Setup(naming=look, trusting=Trusting(made=True))
    found += [setup_not_done.CHECK.code for _ in judged(setup_not_done.CHECK, whole)]
    assert found == ([code] if code else [])


@pytest.mark.parametrize(
    ("servers", "said"),
    [(("10.8.0.1",), "it was rewritten"), (("127.0.0.1",), "does not answer")],
)
def test_dnsmasq_that_is_not_asked_and_that_does_not_run(
    servers: tuple[str, ...], said: str
) -> None:
    done = (Done(kind="dnsmasq", target="/etc/dnsmasq.d/alfred-dev.conf", holds=True),)
    look = Naming(names=(MISSING,), done=done, servers=servers)
    (found,) = judged(names_unanswered.CHECK, look)
    assert said in found.cause
    assert found.fix.commands == ("alfred-dev names apply --way hosts --yes",)


def test_a_stale_line_is_deleted_by_its_number() -> None:
    rival = f"/etc/hosts:3 leads {NAME} to 172.19.0.5: delete that line"
    (found,) = judged(name_elsewhere.CHECK, Naming(names=(STRANGE,), rivals=(rival,)))
    assert found.fix.commands[0] == "sed -i '3d' /etc/hosts"


def test_trust_that_was_lost_and_trust_that_never_was() -> None:
    lost = Trusting(made=True, done=(Done(kind="debian", target="the system", holds=False),))
    assert judged(ca_untrusted.CHECK, lost)[0].subject == "the system"
    fresh = Trusting(made=True, done=(Done(kind="debian", target="the system", holds=True),),
                     others=("Firefox",))  # fmt: skip
    assert judged(ca_untrusted.CHECK, fresh)[0].severity is Severity.WARNING
    never = Trusting(made=True, others=("Firefox",))
    assert judged(ca_untrusted.CHECK, never) == []
    by_hand = Setup(naming=Naming(names=(HERE,)), trusting=never)
    assert judged(setup_not_done.CHECK, by_hand)[0].evidence == ("Firefox does not trust it",)
    unnamed = Setup(naming=Naming(names=(MISSING,)), trusting=never)
    assert len(judged(setup_not_done.CHECK, unnamed)) == 1


GOOD = Leaf(name="gateway", path="/p/certs/gateway.pem", reason="", left_days=300)
SHAKE = Handshake(host="127.0.0.1", port=443, name=NAME, version="TLSv1.3", certificate=b"x")


def test_certificates_on_disk_and_as_served() -> None:
    served = Certs(made=True, ca_left_days=3000, leaves=(GOOD,), served=(SHAKE,))
    well_served = replace(served, on_disk=served.serving)
    for check in (certificate_unusable, certificate_served):
        assert judged(check.CHECK, well_served) == []
    assert len(judged(certificate_served.CHECK, replace(served, on_disk="other"))) == 1
    untrusted = replace(SHAKE, untrusted="certificate has expired")
    look = replace(well_served, served=(untrusted,))
    assert "has expired" in judged(certificate_served.CHECK, look)[0].cause
    ended = replace(GOOD, reason="its end is 2020-01-01", left_days=-9)
    soon = replace(GOOD, reason="its end is 2030-01-01", left_days=9)
    severities = [judged(certificate_unusable.CHECK, replace(well_served, leaves=(leaf,)))[0]
                  .severity for leaf in (ended, soon)]  # fmt: skip
    assert severities == [Severity.ERROR, Severity.WARNING]


def test_a_gateway_that_did_not_take_a_file_over_is_restarted_after_up() -> None:
    damaged = replace(GOOD, reason="its certificate was damaged (cut)")
    look = Certs(made=True, ca_left_days=3000, leaves=(damaged,), served=(SHAKE,))
    (found,) = judged(certificate_unusable.CHECK, look)
    assert found.fix.commands == ("alfred-dev up", "alfred-dev restart gateway")
    taken = replace(look, leaves=(replace(GOOD, reason="its end is 2020-01-01"),),
                    on_disk=look.serving)  # fmt: skip
    assert judged(certificate_unusable.CHECK, taken)[0].fix.commands == ("alfred-dev up",)


def test_a_ca_that_was_deleted_is_made_and_trusted_again() -> None:
    (found,) = judged(ca_unusable.CHECK, Certs(made=False, gone="/home/me/ca.pem"))
    assert "gone" in found.cause
    assert found.fix.commands == ("alfred-dev up", "alfred-dev setup --yes")
    assert judged(ca_unusable.CHECK, Certs(made=False)) == []


def test_a_ca_whose_key_is_lost_or_no_secret_is_named_before_the_leaves_end() -> None:
    lost = UsageError("ca-unusable", "the local CA has lost its key", cause="gone", fix=["new"])
    look = Certs(made=True, ca_left_days=3000, leaves=(GOOD,), signer=lost)
    (found,) = judged(ca_unusable.CHECK, look)
    assert (found.severity, found.fix.commands) == (Severity.WARNING, ca_unusable.NEW)
    assert "has lost its key" in found.cause
    ended = replace(look, leaves=(replace(GOOD, reason="its end is 2020-01-01"),))
    assert judged(ca_unusable.CHECK, ended)[0].severity is Severity.ERROR
    is_open = UsageError("ca-key-open", "the CA's key is not used", cause="mode 0644", fix=["new"],
                         where="/home/me/ca.key")  # fmt: skip
    (found,) = judged(ca_unusable.CHECK, replace(look, signer=is_open))
    assert found.severity is Severity.ERROR
    assert found.fix.commands[0] == "chmod 600 '/home/me/ca.key'"


def test_a_route_that_leads_nowhere() -> None:
    row = Route(name=NAME, leads_to="agent-core", status=503, detail="HTTP 503: no upstream")
    (found,) = judged(gateway_route.CHECK, Routes(rows=(row,), services=seen()))
    assert NAME in found.cause
    late = seen(answers={"agent-core": ill(Reason.TIMEOUT, "no answer")})
    assert judged(gateway_route.CHECK, Routes(rows=(row,), services=late)) == []
    fine = replace(row, status=401)
    assert judged(gateway_route.CHECK, Routes(rows=(fine,), services=seen())) == []


def test_more_watches_than_there_are_now_and_back_to_these() -> None:
    words = "inotify_init failed: too many instances"
    ended = seen(states={"redis": State.FATAL}, said={"redis": [words]})
    here = replace(MACHINE, inotify_instances=400, inotify_watches=524288)
    (found,) = judged(inotify_exhausted.CHECK, Watching(services=ended, machine=here))
    assert found.fix.commands[0] == (
        "sysctl -w fs.inotify.max_user_instances=800 fs.inotify.max_user_watches=1048576"
    )
    assert found.fix.undo == (
        "sysctl -w fs.inotify.max_user_instances=400 fs.inotify.max_user_watches=524288",
    )
