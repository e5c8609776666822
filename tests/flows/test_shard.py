"""Shards are opened in time: not before they are needed, not after places in flight have fallen free."""

import asyncio

from cotfactory.flows.shard import Room


def test_there_is_room_when_too_few_problems_are_open() -> None:
    async def run() -> list[bool]:
        room = Room(enough=8)
        told = [await has_room(room)]
        room.opened(10)
        told.append(await has_room(room))
        for _ in range(2):
            room.decided()
        told.append(await has_room(room))  # eight are open: two for each place
        room.decided()
        told.append(await has_room(room))
        room.opened(10)
        told.append(await has_room(room))
        return told

    assert asyncio.run(run()) == [True, False, False, True, False]


async def has_room(room: Room) -> bool:
    waiting = asyncio.create_task(room.wait())
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    return waiting.done()
