"""Ids are UUIDv7 (RFC 9562), sort by time, and never repeat."""

import threading
import time
from uuid import RFC_4122, UUID

from common.ids import uuid7

COUNT = 100_000


def milliseconds(name: UUID) -> int:
    return name.int >> 80


def test_it_creates_version_7_of_the_rfcs_variant() -> None:
    minted = [uuid7() for _ in range(1000)]
    assert {(name.version, name.variant) for name in minted} == {(7, RFC_4122)}


def test_it_begins_with_the_unix_time_in_milliseconds() -> None:
    before = time.time_ns() // 1_000_000
    name = uuid7()
    assert before <= milliseconds(name) <= time.time_ns() // 1_000_000


def test_it_sorts_by_time_as_an_id_and_as_text() -> None:
    minted = [uuid7()]
    while len(minted) < 20:
        later = uuid7()
        if milliseconds(later) > milliseconds(minted[-1]):
            minted.append(later)
    assert sorted(minted) == minted
    assert sorted(map(str, minted)) == [str(name) for name in minted]


def test_it_never_repeats() -> None:
    minted: list[UUID] = []

    def mint() -> None:
        minted.extend([uuid7() for _ in range(COUNT // 4)])

    threads = [threading.Thread(target=mint) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(minted)) == COUNT


def test_it_uses_every_random_bit() -> None:
    minted = [uuid7().int for _ in range(2000)]
    random_bits = [*range(62), *range(64, 76)]
    assert all(len({name >> bit & 1 for name in minted}) == 2 for bit in random_bits)
