from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alfred_dev.embedded.pubsub import stubs, wire

PullResponse = stubs.message("PullResponse")
StreamingPullResponse = stubs.message("StreamingPullResponse")
PubsubMessage = stubs.message("PubsubMessage")


@given(
    st.lists(st.tuples(st.text(max_size=300), st.binary(max_size=400), st.integers(0, 2**31 - 1)))
)
def test_deliveries_are_what_protobuf_reads(deliveries: list[tuple[str, bytes, int]]) -> None:
    raw = b"".join(
        wire.received(ack_id, PubsubMessage(data=data).SerializeToString(), attempt)
        for ack_id, data, attempt in deliveries
    )
    read = PullResponse.FromString(raw).received_messages
    assert [(r.ack_id, r.message.data, r.delivery_attempt) for r in read] == deliveries
    read = StreamingPullResponse.FromString(raw + wire.properties(ordered=True))
    assert read.subscription_properties.message_ordering_enabled
    assert len(read.received_messages) == len(deliveries)
    plain = StreamingPullResponse.FromString(wire.properties(ordered=False))
    assert not plain.subscription_properties.message_ordering_enabled
