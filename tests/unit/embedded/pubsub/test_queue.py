from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alfred_dev.embedded.pubsub.queue import Holder, Lease, Message, Policy, Queue

FOREVER, LARGE = 1e9, 10**9


def filled(count: int, *, key: str = "", policy: Policy | None = None) -> Queue:
    queue = Queue(policy or Policy())
    for n in range(count):
        queue.put(Message(body=b"x", key=key, sequence=n))
    return queue


def take(queue: Queue, limit: int = 100, *, holder: Holder | None = None) -> list[Lease]:
    return queue.take(holder or Holder(), limit, FOREVER, LARGE)


def sequences(leases: list[Lease]) -> list[int]:
    return [lease.message.sequence for lease in leases]


def test_what_was_acknowledged_is_gone_and_what_expired_comes_again() -> None:
    queue = filled(3)
    leases = queue.take(Holder(), 100, 10.0, LARGE)
    queue.acknowledge([leases[1].number, 999])
    queue.acknowledge([leases[1].number])
    assert len(queue) == 2 and queue.next_event() == 10.0
    queue.tick(9.9)
    assert take(queue) == []
    queue.tick(10.0)
    again = take(queue)
    assert sorted(sequences(again)) == [0, 2]
    assert {lease.message.attempts for lease in again} == {2}


def test_an_extension_holds_and_a_shorter_deadline_counts_at_once() -> None:
    queue = filled(2)
    longer, shorter = (lease.number for lease in queue.take(Holder(), 2, 10.0, LARGE))
    queue.extend([longer, 999], 100.0)
    queue.extend([shorter], 1.0)
    queue.tick(1.0)
    assert sequences(take(queue)) == [1]
    queue.tick(99.0)
    assert take(queue) == []
    queue.tick(100.0)
    assert sequences(take(queue)) == [0]


def test_flow_control_counts_messages_and_bytes() -> None:
    queue, few = filled(10), Holder(most=3)
    leases = take(queue, holder=few)
    assert len(leases) == 3 and take(queue, holder=few) == []
    queue.acknowledge([leases[0].number])
    assert len(take(queue, holder=few)) == 1
    assert len(take(queue, holder=Holder(most_bytes=2))) == 2
    assert len(queue.take(Holder(), 100, FOREVER, 1)) == 1  # one at least, however large


def test_a_key_belongs_to_one_holder_and_returns_from_the_message_that_failed() -> None:
    queue, mine = filled(5, key="k", policy=Policy(ordered=True)), Holder()
    first = take(queue, 3, holder=mine)
    assert sequences(first) == [0, 1, 2] and take(queue) == []
    assert queue.ready(mine) == 1 and sequences(take(queue, 1, holder=mine)) == [3]
    queue.refuse([first[1].number], now=5.0)
    assert take(queue) == [] and take(queue, holder=mine) == []  # the first is still out
    queue.acknowledge([first[2].number])  # it was taken back: this comes too late
    queue.acknowledge([first[0].number])
    again = take(queue)
    assert sequences(again) == [1, 2, 3, 4]
    assert [lease.message.attempts for lease in again] == [2, 1, 1, 1]


def test_keys_do_not_wait_for_each_other() -> None:
    queue = Queue(Policy(ordered=True))
    for n in range(6):
        queue.put(Message(body=b"x", key=f"k{n % 2}", sequence=n))
    queue.put(Message(body=b"x", key="", sequence=6))
    assert sequences(take(queue, 1)) == [0]
    assert sequences(take(queue)) == [1, 3, 5, 6]


def test_a_retry_waits_and_a_key_waits_with_it() -> None:
    policy = Policy(ordered=True, backoff=lambda attempts: 10.0 * attempts)
    queue = filled(2, key="k", policy=policy)
    queue.tick(100.0)
    leases = take(queue)
    queue.refuse([leases[0].number], now=100.0)
    queue.tick(109.9)
    assert take(queue) == [] and queue.next_event() == 110.0
    queue.tick(110.0)
    assert sequences(take(queue)) == [0, 1]


def test_a_dead_message_is_buried_unless_nobody_takes_it() -> None:
    grave: list[int] = []

    def bury(message: Message) -> bool:
        grave.extend([0] if message.sequence == 0 else [])
        return message.sequence == 0

    policy = Policy(attempts=2, bury=bury)
    queue = filled(2, policy=policy)
    for _ in range(3):
        queue.refuse([lease.number for lease in take(queue)], now=0.0)
    assert grave == [0]
    assert sequences(take(queue)) == [1] and len(queue) == 1


def test_deadlines_of_what_has_ended_do_not_pile_up() -> None:
    queue = Queue(Policy())
    for n in range(20_000):
        queue.put(Message(body=b"x", key="", sequence=n))
        queue.acknowledge([lease.number for lease in take(queue)])
    assert len(queue._deadlines) < 2000 and len(queue) == 0


class Machine(RuleBasedStateMachine):
    """Any order of calls: nothing is lost, nothing is doubled, keys keep their order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(Policy(ordered=True, backoff=lambda attempts: float(attempts % 3)))
        self.holders = [Holder(), Holder(most=2), Holder(most_bytes=3)]
        self.keys: dict[int, str] = {}
        self.alive: set[int] = set()
        self.out: dict[int, Lease] = {}
        self.now = 0.0

    @rule(key=st.sampled_from(["", "a", "b"]))
    def put(self, key: str) -> None:
        sequence = len(self.keys)
        self.keys[sequence] = key
        self.alive.add(sequence)
        self.queue.put(Message(body=b"x", key=key, sequence=sequence))

    @rule(who=st.integers(0, 2), limit=st.integers(1, 5), seconds=st.integers(1, 5))
    def take(self, who: int, limit: int, seconds: int) -> None:
        for lease in self.queue.take(self.holders[who], limit, self.now + seconds, LARGE):
            message = lease.message
            behind = [s for s in self.alive if self.keys[s] == message.key and s < message.sequence]
            if message.key:
                out = {one.message.sequence for one in self.queue.leases.values()}
                assert set(behind) <= out, "a message overtook one of its key"
            self.out[lease.number] = lease

    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        if self.out:
            number = data.draw(st.sampled_from(sorted(self.out)))
            if number in self.queue.leases:
                self.alive.discard(self.out[number].message.sequence)
            self.queue.acknowledge([number])
            del self.out[number]

    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        if self.out:
            self.queue.refuse([data.draw(st.sampled_from(sorted(self.out)))], self.now)

    @rule(data=st.data(), seconds=st.integers(1, 9))
    def extend(self, data: st.DataObject, seconds: int) -> None:
        if self.out:
            number = data.draw(st.sampled_from(sorted(self.out)))
            self.queue.extend([number], self.now + seconds)

    @rule(seconds=st.integers(0, 4))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.queue.tick(self.now)

    @invariant()
    def everything_is_somewhere(self) -> None:
        assert len(self.queue) == len(self.alive)
        leased = [lease.message.sequence for lease in self.queue.leases.values()]
        assert len(set(leased)) == len(leased) and set(leased) <= self.alive
        assert sum(holder.messages for holder in self.holders) == len(leased)

    def teardown(self) -> None:
        """Whatever happened, one patient holder gets all that is left."""
        for _ in range(3 * len(self.keys) + 3):
            self.now += 10
            self.queue.tick(self.now)
            for lease in self.queue.take(Holder(), 100, self.now + 1, LARGE):
                self.alive.discard(lease.message.sequence)
                self.queue.acknowledge([lease.number])
        assert self.alive == set() and len(self.queue) == 0 and not self.queue._lanes


TestMachine = Machine.TestCase
