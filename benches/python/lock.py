"""A lock: one task takes it, or as many contend for it as the argument says."""

import sys

import trio
from measure import nanos

TASKS = int(sys.argv[1])


async def alone(count):
    lock = trio.Lock()
    for _ in range(count):
        async with lock:
            pass


async def contended(count):
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        for _ in range(TASKS):
            nursery.start_soon(hold, lock, count // TASKS)


async def hold(lock, times):
    for _ in range(times):
        async with lock:
            await trio.lowlevel.checkpoint()


trio.run(nanos, alone if TASKS == 1 else contended)
