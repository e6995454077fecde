"""The messages of one subscription: waiting, leased, or put off. No clock, no network.

Times are seconds of any clock that never goes back; the caller says what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count


@dataclass(slots=True, eq=False)
class Message:
    """One message in one subscription. ``body``: the serialised PubsubMessage, shared by all.

    ``attempts``: how often it was handed out and not by somebody else's fault taken back.
    """

    body: bytes
    key: str
    sequence: int
    attempts: int = 0


@dataclass(slots=True, eq=False)
class Holder:
    """Somebody who takes messages, and how much of them is not yet acknowledged.

    ``most``, ``most_bytes``: flow control; 0 is without limit.
    """

    most: int = 0
    most_bytes: int = 0
    messages: int = 0
    bytes: int = 0

    def has_room(self) -> bool:
        """Tell whether it may be given one more."""
        few = self.most <= 0 or self.messages < self.most
        return few and (self.most_bytes <= 0 or self.bytes < self.most_bytes)


@dataclass(slots=True, eq=False)
class _Lane:
    """Messages with one ordering key. While some are leased only their holder gets more."""

    key: str
    waiting: deque[Message] = field(default_factory=deque)
    leased: dict[int, Message] = field(default_factory=dict)
    holder: Holder | None = None
    not_before: float = 0.0
    offered: bool = False  # it is among what is ready, or put off


@dataclass(slots=True, eq=False)
class Lease:
    """A message that was handed out. ``number`` is the ack id's."""

    number: int
    message: Message
    deadline: float
    holder: Holder
    lane: _Lane | None


@dataclass(slots=True, kw_only=True)
class Policy:
    """What a subscription says about its messages; may change at any time.

    ``backoff``: seconds before the next attempt, given how many there were; ``bury``: called with
    a message after ``attempts`` failed attempts, True when it has taken it over; 0 is never.
    """

    ordered: bool = False
    attempts: int = 0
    backoff: Callable[[int], float] = lambda attempts: 0.0
    bury: Callable[[Message], bool] = lambda message: False


class Queue:
    """Messages in, leases out. Whatever is not acknowledged in time comes again."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.leases: dict[int, Lease] = {}
        self._ready: deque[Message | _Lane] = deque()
        self._lanes: dict[str, _Lane] = {}
        self._held: dict[Holder, dict[_Lane, None]] = {}  # only lanes where something waits
        self._later: list[tuple[float, int, Message | _Lane]] = []
        self._deadlines: list[tuple[float, int]] = []
        self._numbers = count(1)
        self._now = 0.0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def ready(self, holder: Holder) -> int:
        """Return about how much could be given to ``holder`` now; 0 is certain."""
        return len(self._ready) + len(self._held.get(holder, ()))

    def put(self, message: Message) -> None:
        """Add a message behind all others."""
        self._size += 1
        if not (self.policy.ordered and message.key):
            self._ready.append(message)
            return
        lane = self._lanes.get(message.key)
        if lane is None:
            lane = self._lanes[message.key] = _Lane(message.key)
        lane.waiting.append(message)
        self._settle(lane)

    def take(self, holder: Holder, limit: int, deadline: float, most_bytes: int) -> list[Lease]:
        """Lease up to ``limit`` messages, about ``most_bytes`` in all, until ``deadline``."""
        taken: list[Lease] = []
        room = most_bytes
        lanes = list(self._held.get(holder, ()))
        while (lanes or self._ready) and len(taken) < limit and room > 0 and holder.has_room():
            found = lanes.pop(0) if lanes else self._ready.popleft()
            if isinstance(found, Message):
                taken.append(self._lease(found, holder, deadline, None))
                room -= len(found.body)
                continue
            found.offered = False
            while found.waiting and len(taken) < limit and room > 0 and holder.has_room():
                message = found.waiting.popleft()
                taken.append(self._lease(message, holder, deadline, found))
                room -= len(message.body)
            self._settle(found)
        return taken

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Forget messages. Numbers that are leased no more are passed over."""
        for number in numbers:
            lease = self._end(number)
            if lease is not None:
                self._size -= 1
                if lease.lane is not None:
                    self._settle(lease.lane)

    def extend(self, numbers: Iterable[int], deadline: float) -> None:
        """Move the deadlines of leases."""
        for number in numbers:
            lease = self.leases.get(number)
            if lease is not None:
                if deadline < lease.deadline:
                    heappush(self._deadlines, (deadline, number))
                lease.deadline = deadline

    def refuse(self, numbers: Iterable[int], now: float) -> None:
        """Take messages back, to be handed out again."""
        self._now = now
        for number in numbers:
            self._return(number)

    def tick(self, now: float) -> None:
        """Take back what was not acknowledged in time; offer what was put off until now."""
        self._now = now
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number = heappop(self._deadlines)
            lease = self.leases.get(number)
            if lease is not None and lease.deadline > now:
                heappush(self._deadlines, (lease.deadline, number))  # it was extended
            elif lease is not None:
                self._return(number)
        while self._later and self._later[0][0] <= now:
            found = heappop(self._later)[2]
            if isinstance(found, Message):
                self._ready.append(found)
            else:
                found.offered = False
                self._settle(found)

    def next_event(self) -> float | None:
        """Return when ``tick`` has something to do again."""
        times = [heap[0][0] for heap in (self._deadlines, self._later) if heap]
        return min(times, default=None)

    def _lease(
        self, message: Message, holder: Holder, deadline: float, lane: _Lane | None
    ) -> Lease:
        number = next(self._numbers)
        lease = Lease(number, message, deadline, holder, lane)
        self.leases[number] = lease
        heappush(self._deadlines, (deadline, number))
        message.attempts += 1
        holder.messages += 1
        holder.bytes += len(message.body)
        if lane is not None:
            lane.leased[number] = message
            lane.holder = holder
        return lease

    def _end(self, number: int) -> Lease | None:
        lease = self.leases.pop(number, None)
        if lease is None:
            return None
        lease.holder.messages -= 1
        lease.holder.bytes -= len(lease.message.body)
        if lease.lane is not None:
            del lease.lane.leased[number]
        if len(self._deadlines) > 2 * len(self.leases) + 1000:  # mostly of what has ended
            self._deadlines = [(lease.deadline, n) for n, lease in self.leases.items()]
            heapify(self._deadlines)
        return lease

    def _return(self, number: int) -> None:
        """Take one message back, and in a lane all that were handed out behind it."""
        lease = self._end(number)
        if lease is None:
            return
        message, lane = lease.message, lease.lane
        buried = 0 < self.policy.attempts <= message.attempts and self.policy.bury(message)
        again = self._now + (0.0 if buried else self.policy.backoff(message.attempts))
        self._size -= buried
        if lane is not None:
            self._take_back_behind(number, lane)
            if not buried:
                lane.waiting.appendleft(message)
            lane.not_before = again
            self._let_go(lane)  # nobody gets more of it until all that is leased has ended
            self._settle(lane)
        elif not buried:
            self._offer(message, again)

    def _take_back_behind(self, number: int, lane: _Lane) -> None:
        for later in sorted((n for n in lane.leased if n > number), reverse=True):
            lease = self._end(later)
            if lease is not None:
                lease.message.attempts -= 1  # it was not its fault
                lane.waiting.appendleft(lease.message)

    def _settle(self, lane: _Lane) -> None:
        """Put a lane where it belongs: to its holder, to everybody, or away."""
        if lane.leased and lane.holder is not None:
            self._hold(lane, lane.holder)
        if lane.leased or lane.offered:
            return
        self._let_go(lane)
        if lane.waiting:
            lane.offered = True
            self._offer(lane, lane.not_before)
        else:
            del self._lanes[lane.key]

    def _hold(self, lane: _Lane, holder: Holder) -> None:
        if lane.waiting:
            self._held.setdefault(holder, {})[lane] = None
        else:
            self._unhold(lane, holder)

    def _unhold(self, lane: _Lane, holder: Holder) -> None:
        lanes = self._held.get(holder)
        if lanes is not None:
            lanes.pop(lane, None)
            if not lanes:
                del self._held[holder]

    def _let_go(self, lane: _Lane) -> None:
        if lane.holder is not None:
            self._unhold(lane, lane.holder)
            lane.holder = None

    def _offer(self, what: Message | _Lane, at: float) -> None:
        if at <= self._now:
            self._ready.append(what)
        else:
            heappush(self._later, (at, next(self._numbers), what))
