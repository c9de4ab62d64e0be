"""A deadline scope that is entered and left: with a checkpoint inside, while as many others are armed as the
argument says."""

import sys
import time

import trio
import trio.testing
from measure import nanos

ARMED = int(sys.argv[1])


async def work(count):
    async with trio.open_nursery() as nursery:
        for number in range(ARMED):
            nursery.start_soon(wait_long, number)
        await trio.testing.wait_all_tasks_blocked()
        start = time.perf_counter()
        for _ in range(count):
            with trio.move_on_after(5):
                await trio.lowlevel.checkpoint()
        elapsed = time.perf_counter() - start
        nursery.cancel_scope.cancel()
    return elapsed


async def wait_long(number):
    with trio.move_on_after(3600 + number * 1e-6):
        await trio.sleep_forever()


trio.run(nanos, work)
