"""Routes of Linux and macOS, as their own tools print them."""

from __future__ import annotations

from alfred_dev.host.routes import parse_netstat, parse_proc

PROC = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
tun0\t0000080A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
NETSTAT = """Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.168.1.1        UGScg                 en0
10.8/16            link#20            UCS                 utun4      !
127                127.0.0.1          UCS                   lo0
192.168.1          link#11            UCS                   en0      !
192.168.1.1/32     link#11            UCS                   en0      !
"""


def test_linux() -> None:
    assert [str(n) for n in parse_proc(PROC)] == ["172.17.0.0/16", "10.8.0.0/16"]


def test_macos() -> None:
    found = [str(n) for n in parse_netstat(NETSTAT)]
    assert found == ["10.8.0.0/16", "127.0.0.0/8", "192.168.1.0/24", "192.168.1.1/32"]


def test_nonsense_is_no_route() -> None:
    assert parse_proc("x\ny z\n") == parse_netstat("x\n999.1/99 y\n") == []
