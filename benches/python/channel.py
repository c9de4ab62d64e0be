"""Values through a channel of the capacity that the argument says."""

import sys

import trio
from measure import nanos

CAPACITY = int(sys.argv[1])


async def work(count):
    sender, receiver = trio.open_memory_channel(CAPACITY)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce, sender, count)
        nursery.start_soon(consume, receiver)


async def produce(sender, count):
    async with sender:
        for number in range(count):
            await sender.send(number)


async def consume(receiver):
    total = 0
    async for number in receiver:
        total += number
    return total


trio.run(nanos, work)
