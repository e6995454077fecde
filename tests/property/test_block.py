"""Whatever a file holds: our block comes and goes, and every other byte stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.changes import block

ENTRIES = st.lists(
    st.sampled_from([b"127.0.0.1\tapi.dev.test", b"::1\tapi.dev.test", b"::1\tx"]), min_size=1
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"", b"\n\n", b" \n"])
FOREIGN = st.one_of(
    st.binary(max_size=40).filter(lambda line: block.TAG not in line),
    st.sampled_from([
        b"\xef\xbb\xbf# a BOM", b"127.0.0.1 localhost", b"# B\xfcro (Latin-1)", b"\t", b"",
        b"# alfred", b"10.0.0.1 alfred-dev # alfred-devil", b"127.0.0.1 x # alfred-dev",
        b"::1\tx\t# alfred-dev (mine)", b"\x00",
    ]),
)  # fmt: skip
OURS = st.sampled_from([
    block.BEGIN, block.BEGIN_JOINED, block.END, b"::1\told\t" + block.TAG, block.TAG + b" endless",
])  # fmt: skip


@st.composite
def files(draw: st.DrawFn, line: st.SearchStrategy[bytes]) -> bytes:
    lines = draw(st.lists(st.tuples(line, ENDS)))
    return b"".join(text + end for text, end in lines)


@given(data=files(FOREIGN), entries=ENTRIES)
def test_apply_then_remove_gives_the_same_bytes(data: bytes, entries: list[bytes]) -> None:
    assert block.drop(data) == data
    applied = block.put(data, entries)
    assert block.lines(applied) == entries
    assert block.drop(applied) == data
    assert block.put(applied, []) == data


@given(data=files(FOREIGN), entries=ENTRIES, others=ENTRIES)
def test_applying_again_replaces_the_block(
    data: bytes, entries: list[bytes], others: list[bytes]
) -> None:
    once = block.put(data, entries)
    assert block.put(once, entries) == once
    assert block.put(block.put(data, others), entries) == once


@given(data=files(st.one_of(FOREIGN, OURS)), entries=ENTRIES)
def test_a_damaged_block_is_mended_and_goes_whole(data: bytes, entries: list[bytes]) -> None:
    rest = block.drop(data)
    assert block.drop(rest) == rest
    assert block.drop(block.put(data, entries)) == rest


@given(data=files(FOREIGN), entries=ENTRIES, more=files(FOREIGN))
def test_what_others_add_below_the_block_stays(
    data: bytes, entries: list[bytes], more: bytes
) -> None:
    assert block.drop(block.put(data, entries) + more) == data + more
