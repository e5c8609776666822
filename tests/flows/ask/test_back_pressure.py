"""Shards are opened in time: not before they are needed, not after places in flight have fallen free."""

import asyncio

from cotfactory.flows.ask.back_pressure import BackPressure


def test_there_is_room_when_too_few_prompts_are_open() -> None:
    async def run() -> list[bool]:
        back_pressure = BackPressure(enough=8)
        told = [await has_room(back_pressure)]
        back_pressure.opened("abcdefghij")
        told.append(await has_room(back_pressure))
        back_pressure.decided("ab")
        back_pressure.decided("ab")  # told again, as by a shard that ends
        told.append(await has_room(back_pressure))  # eight are open: two for each place
        back_pressure.decided("c")
        told.append(await has_room(back_pressure))
        back_pressure.opened("klmnopqrst")
        told.append(await has_room(back_pressure))
        return told

    assert asyncio.run(run()) == [True, False, False, True, False]


async def has_room(back_pressure: BackPressure) -> bool:
    waiting = asyncio.create_task(back_pressure.wait())
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    return waiting.done()
