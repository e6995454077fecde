"""The network's addresses overlap nothing that the machine can reach."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.errors import MachineError
from alfred_dev.runtime.subnets import RANGES, choose

networks = st.builds(
    lambda number, prefix: IPv4Network((number, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(1, 32),
)


@given(taken=st.lists(networks, max_size=40), start=st.integers(0, 2**40))
def test_it_overlaps_nothing_or_refuses(taken: list[IPv4Network], start: int) -> None:
    try:
        found = choose(taken, start=start)
    except MachineError as error:
        assert error.code == "subnet-taken"
        return
    assert not any(found.overlaps(network) for network in taken)


def test_the_last_one_is_kept_where_it_is_free() -> None:
    assert str(choose([], preferred="10.1.2.0/24")) == "10.1.2.0/24"
    assert str(choose([IPv4Network("10.0.0.0/8")], preferred="10.1.2.0/24")) != "10.1.2.0/24"


def test_when_all_is_taken_it_is_said() -> None:
    with pytest.raises(MachineError, match="no addresses"):
        choose(RANGES)


def test_a_default_route_takes_nothing() -> None:
    assert choose([IPv4Network("0.0.0.0/0")]) == choose([])
