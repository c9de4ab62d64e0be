"""Children that are spawned, run and are waited for: as many at once as the argument says."""

import sys
import time

import trio
from measure import nanos

CHILDREN = int(sys.argv[1])


async def work(count):
    times = -(-count // CHILDREN)
    start = time.perf_counter()
    for _ in range(times):
        async with trio.open_nursery() as nursery:
            for _ in range(CHILDREN):
                nursery.start_soon(child)
    return (time.perf_counter() - start) * count / (times * CHILDREN)


async def child():
    pass


trio.run(nanos, work)
