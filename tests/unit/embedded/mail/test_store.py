from __future__ import annotations

import asyncio
from pathlib import Path

from alfred_dev.embedded.mail.search import EVERYTHING, condition
from alfred_dev.embedded.mail.store import Mail, Store


def mail(subject: str, size: int = 100) -> Mail:
    return Mail(f"Subject: {subject}\r\n\r\n{'x' * size}".encode(), ("a@x",))


def kept(store: Store) -> list[str]:
    async def ask() -> list[str]:
        found = await store.find(EVERYTHING, 0, 1000)
        return [one["Subject"] for one in found.messages]

    return asyncio.run(ask())


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = Store(tmp_path, most=3)

    async def add() -> None:
        await asyncio.gather(*(store.add(mail(f"{n}")) for n in range(5)))

    asyncio.run(add())
    assert kept(store) == ["4", "3", "2"]
    store.close()
    again = Store(tmp_path, most=3)
    asyncio.run(again.add(mail("5")))
    assert kept(again) == ["5", "4", "3"]
    again.close()


def test_the_oldest_go_when_they_are_too_large_and_the_newest_stays(tmp_path: Path) -> None:
    store = Store(tmp_path, most_bytes=1000)
    for n in range(4):
        asyncio.run(store.add(mail(f"{n}", 350)))
    assert kept(store) == ["3", "2"]
    asyncio.run(store.add(mail("large", 5000)))
    assert kept(store) == ["large"]
    store.close()


def test_sources_go_with_their_mails(tmp_path: Path) -> None:
    store = Store(tmp_path)

    async def play() -> None:
        first = await store.add(mail("first"))
        await store.add(mail("second"))
        await store.delete([first])
        await store.delete_found(condition("subject:nothing"))

    asyncio.run(play())
    rows = store._read.execute("SELECT (SELECT count(*) FROM mails), count(*) FROM sources")
    assert rows.fetchone() == (1, 1)
    store.close()


def test_many_at_once_are_few_transactions(tmp_path: Path) -> None:
    store = Store(tmp_path)

    async def add() -> int:
        await asyncio.gather(*(store.add(mail(f"{n}")) for n in range(200)))
        return store.version

    assert asyncio.run(add()) <= 3
    store.close()
