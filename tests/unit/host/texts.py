"""Damaged versions of recorded texts, for parsers that must survive anything."""

from __future__ import annotations

from hypothesis import strategies as st


@st.composite
def mutations(draw: st.DrawFn, text: str) -> str:
    """``text`` with a few spans replaced by anything: bits of itself, or any characters."""
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        source = draw(st.integers(0, len(text)))
        new = draw(st.just(text[source : source + 12]) | st.text(max_size=8))
        text = text[:start] + new + text[end:]
    return text
