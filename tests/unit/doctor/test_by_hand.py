"""Faults that were made by hand, and what was said of them: the first line, and what to type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alfred_dev.catalog import schema
from alfred_dev.doctor import triage
from alfred_dev.doctor.checks import (
    ca_unusable,
    certificate_unusable,
    clock,
    config_invalid,
    data_deleted,
    database_object,
    disk,
    home_other,
    limits,
    login_refused,
    loopback,
    name_elsewhere,
    postgres_refuses_writes,
    redis_refuses_writes,
    render_old,
    service_ended,
    setting_missing,
    too_many_files,
)
from alfred_dev.doctor.look.certs import Certs, Leaf
from alfred_dev.doctor.look.configuration import Configuration
from alfred_dev.doctor.look.files import Files
from alfred_dev.doctor.look.keeping import Keeping
from alfred_dev.doctor.look.kept import Kept
from alfred_dev.doctor.look.machine import Machine, Space
from alfred_dev.doctor.look.naming import Naming
from alfred_dev.doctor.look.stores import Database, Stores, crowded
from alfred_dev.doctor.model import Finding, Fix, Outcome, State
from alfred_dev.doctor.seen import Process
from alfred_dev.envtext import parse_env_file
from alfred_dev.errors import ConfigError, MachineError
from alfred_dev.host.outgoing import Outgoing
from alfred_dev.names.resolve import Resolution
from alfred_dev.probe.base import Reason, ill
from alfred_dev.runtime.base import State as Runs
from tests import worlds
from tests.unit.doctor.scenes import given, judged, seen

LINK = Configuration(present=False, astray="/nowhere/.env")
GB = 1 << 30
DATABASE = Database(service="db-postgres", read_only=True, recovery=False, connections=9,
                    connections_limit=100, vector=True)  # fmt: skip


def test_a_tab_in_yaml_is_called_a_tab() -> None:
    (problem,) = schema.read("a:\n\tb: 1\n", schema.Flag("x"), file="alfred.yaml").problems
    assert problem.message == "not valid YAML: a tab; YAML is indented by spaces"
    known = given(problem=ConfigError("alfred.yaml cannot be used", [problem]))
    (found,) = judged(config_invalid.CHECK, LINK, known)
    assert found.fix.commands == ("sed -i 's/\\t/  /g' alfred.yaml",)


def test_a_quote_that_is_never_closed_names_its_key_and_no_value() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env_file(b'A=1\nREDIS_PASSWORD="s3cret\nB=2\n', file=".env")
    (problem,) = caught.value.problems
    assert str(problem) == ".env:2:1: REDIS_PASSWORD: a quote is opened and never closed"
    (found,) = judged(config_invalid.CHECK, LINK, given(problem=caught.value))
    assert found.fix.commands == ("sed -i '2d' .env", config_invalid.MADE_ANEW)


def test_what_stood_in_a_file_that_a_folder_replaced_is_put_back() -> None:
    problem = MachineError(
        "file-unreadable", ".env cannot be read", cause="/p/.env: Is a directory",
        fix=["mv '/p/.env' '/p/.env.old'"], where="/p/.env",
    )  # fmt: skip
    (found,) = judged(config_invalid.CHECK, LINK, given(problem=problem))
    assert found.fix.commands == ("mv '/p/.env' '/p/.env.old'", config_invalid.MADE_ANEW)


def test_a_link_to_nowhere_is_named_and_removed_first() -> None:
    plan = worlds.plan(REDIS_PASSWORD="")
    (found,) = judged(setting_missing.CHECK, LINK, given(plan=plan))
    assert found.cause.startswith(".env is a link to /nowhere/.env, which is not there")
    assert found.fix.commands[0] == "rm .env"


@pytest.mark.parametrize(
    ("seconds", "said"), [(45, "45 s"), (7200, "2 hours"), (86400 * 800, "800 days")]
)
def test_how_far_the_clock_is_off_can_be_read(seconds: float, said: str) -> None:
    (found,) = judged(clock.CHECK, Machine(spaces=(), future_s=seconds))
    assert f"lies {said} in the future" in found.cause


def test_more_files_than_the_hard_limit_take_root() -> None:
    (found,) = judged(
        limits.CHECK, Machine(spaces=(), nofile=64, nofile_hard=64), given(sudo="sudo ")
    )
    assert found.fix.commands[0] == "sudo prlimit --pid $$ --nofile=4096:4096"
    (found,) = judged(limits.CHECK, Machine(spaces=(), nofile=64, nofile_hard=1024))
    assert found.fix.commands[0] == "ulimit -n 1024"


def test_a_name_that_leads_here_too_is_not_said_to_lead_elsewhere_alone() -> None:
    both = Resolution(name="ui.example.com", addresses=("::1", "127.0.0.1", "172.19.0.5"))
    (found,) = judged(name_elsewhere.CHECK, Naming(names=(both,)))
    assert found.cause.startswith("ui.example.com leads to 172.19.0.5 besides this machine")


@pytest.mark.parametrize(
    ("source", "statement"),
    [
        ("database", "ALTER DATABASE postgres RESET"),
        ("user", "ALTER ROLE CURRENT_USER RESET"),
        ("database-user", "ALTER ROLE CURRENT_USER IN DATABASE postgres RESET"),
        ("configuration-file", "ALTER SYSTEM RESET"),
    ],
)
def test_a_setting_is_taken_back_where_it_was_made(source: str, statement: str) -> None:
    stores = Stores(databases=(replace(DATABASE, set_by=source),), services=seen())
    (found,) = judged(postgres_refuses_writes.CHECK, stores)
    assert statement in found.fix.commands[0]


def test_another_leaf_is_no_older_configuration() -> None:
    render = "/p/.alfred/render/gateway"
    assert judged(render_old.CHECK, Files(old=(f"{render}/certificate.json",))) == []
    both = Files(old=(f"{render}/certificate.json", f"{render}/routes.json"))
    (found,) = judged(render_old.CHECK, both)
    assert found.cause.startswith("1 of the files")


def test_another_home_is_the_cause_of_a_ca_that_is_not_there() -> None:
    look = Keeping(pid=7, told={"HOME": "/home/ann"}, shared="/home/ann/x", shared_here="/root/x",
                   services=seen())  # fmt: skip
    (found,) = judged(home_other.CHECK, look, given(environment={"HOME": "/root"}))
    assert found.cause.startswith("HOME of this shell is /root, and the services were started with")
    assert found.fix.commands == ("export HOME='/home/ann'",)
    gone = judged(ca_unusable.CHECK, Certs(made=False, gone="/root/x/ca/ca.pem"))
    outcomes = [
        Outcome(check=home_other.CHECK, state=State.FOUND, findings=(found,)),
        Outcome(check=ca_unusable.CHECK, state=State.FOUND, findings=tuple(gone)),
    ]
    (cause,) = triage.causes(outcomes, worlds.plan())
    assert cause.check.code == "home-other"
    same = replace(look, shared_here=look.shared)
    assert judged(home_other.CHECK, same, given(environment={})) == []


@pytest.mark.parametrize(
    ("ports", "command"),
    [
        (Outgoing(4, 1, 6379), "sysctl -w net.ipv4.ip_local_port_range='32768 60999'"),
        (Outgoing(28232, 28000, 6379), "ss -tnp dport = :6379 | head"),
    ],
)
def test_no_port_that_is_left_is_the_machine_s_fault(ports: Outgoing, command: str) -> None:
    sound = Machine(spaces=(), localhost=("127.0.0.1",), outgoing=Outgoing(28232, 9000, 6379))
    assert judged(loopback.CHECK, sound) == []
    (found,) = judged(loopback.CHECK, replace(sound, outgoing=ports))
    assert found.everything
    assert found.fix.commands == (command,)
    refused = ill(Reason.OTHER, "127.0.0.1:6379: Cannot assign requested address")
    stores = Stores(writes={"redis": refused}, services=seen())
    assert judged(redis_refuses_writes.CHECK, stores) == []


def test_a_certificate_that_is_a_link_to_nowhere_is_removed_first() -> None:
    said = "gateway.pem was a link to /nowhere, which is not there"
    leaf = Leaf(name="gateway", path="/p/certs/gateway.pem", reason=said, left_days=0)
    (found,) = judged(certificate_unusable.CHECK, Certs(made=True, leaves=(leaf,)))
    assert found.fix.commands[:2] == ("rm '/p/certs/gateway.pem'", "alfred-dev up")


def test_data_that_went_all_at_once_is_one_finding() -> None:
    lost = {"redis": "/q/.alfred/data/redis/a", "vector-db": "/q/.alfred/data/vector-db/b"}
    (found,) = judged(data_deleted.CHECK, Kept(data=lost))
    assert found.fix.commands == ("alfred-dev restart",)
    (one,) = judged(data_deleted.CHECK, Kept(data={"redis": "/q/.alfred/data/redis/a"}))
    assert one.fix.commands == ("alfred-dev restart redis",)
    assert one.cause.startswith(".alfred/data/redis was moved while redis runs")


def test_a_disk_that_takes_one_more_file_is_full() -> None:
    space = Space(folder="/p", free=GB, total=GB, inodes_free=1, inodes=2)
    (found,) = judged(disk.CHECK, Machine(spaces=(space,)))
    assert found.severity is None or found.severity == "error"
    assert "1 more files" in found.cause


def test_what_is_told_of_an_end_is_why_and_not_that_it_ends() -> None:
    said = ("FATAL:  could not open shared memory segment", "LOG:  database system is shut down")
    ended = {"db-postgres": Runs.FATAL}
    (found,) = judged(service_ended.CHECK, seen(states=ended, said={"db-postgres": said}))
    assert found.cause.endswith("FATAL:  could not open shared memory segment")


def test_what_was_said_before_nobody_was_let_in_is_no_second_cause() -> None:
    refused = 'pg_hba.conf rejects connection for host "127.0.0.1"'
    said = {"db-postgres": ('ERROR:  relation "tasks" does not exist', refused)}
    ill_now = {"db-postgres": ill(Reason.AUTH, refused)}
    look = seen(answers=ill_now, said=said)
    (object_,) = judged(database_object.CHECK, look)
    login = Finding(subject="db-postgres", cause=refused, fix=Fix(text=""))
    outcomes = [
        Outcome(check=login_refused.CHECK, state=State.FOUND, findings=(login,)),
        Outcome(check=database_object.CHECK, state=State.FOUND, findings=(object_,)),
    ]
    (cause,) = triage.causes(outcomes, worlds.plan())
    assert cause.check.code == "login-refused"


@pytest.mark.parametrize(("files", "severity"), [(59, "warning"), (63, "error"), (70, "error")])
def test_a_well_service_without_a_free_descriptor_is_an_error(files: int, severity: str) -> None:
    process = {"agent-core": Process(files=files, files_limit=64)}
    (found,) = judged(too_many_files.CHECK, seen(processes=process))
    assert found.severity == severity


def test_a_redis_without_a_place_for_one_more_client_is_named() -> None:
    assert crowded("# Clients\r\nconnected_clients:7\r\nmaxclients:10000\r\n") == ""
    assert crowded("") == ""
    said = crowded("# Clients\r\nconnected_clients:2\r\nmaxclients:1\r\n")
    stores = Stores(writes={"redis": ill(Reason.STATUS, said)}, services=seen())
    (found,) = judged(redis_refuses_writes.CHECK, stores)
    assert found.cause == (
        "redis answers but refuses clients: it takes no more clients "
        "(max number of clients: 2 of 1)"
    )
