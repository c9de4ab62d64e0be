"""Tasks that give way: as many as the argument says."""

import sys
import time

import trio
from measure import nanos

TASKS = int(sys.argv[1])


async def work(count):
    times = -(-count // TASKS)
    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(checkpoints, times)
        start = time.perf_counter()
    return (time.perf_counter() - start) * count / (times * TASKS)


async def checkpoints(times):
    for _ in range(times):
        await trio.lowlevel.checkpoint()


trio.run(nanos, work)
