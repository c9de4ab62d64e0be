"""Two tasks that wake each other in turn."""

import time

import trio
import trio.testing
from measure import nanos


async def work(count):
    left, right = trio.lowlevel.ParkingLot(), trio.lowlevel.ParkingLot()
    times = -(-count // 2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(player, left, right, times)
        nursery.start_soon(player, right, left, times)
        await trio.testing.wait_all_tasks_blocked()
        start = time.perf_counter()
        left.unpark()
    return (time.perf_counter() - start) * count / (2 * times)


async def player(own, other, times):
    for _ in range(times):
        await own.park()
        other.unpark()


trio.run(nanos, work)
