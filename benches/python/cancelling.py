"""As many sleeping tasks as the argument says that are cancelled at once, and waited for."""

import sys
import time

import trio
import trio.testing
from measure import nanos

TASKS = int(sys.argv[1])


async def work(count):
    times = -(-count // TASKS)
    elapsed = 0.0
    for _ in range(times):
        async with trio.open_nursery() as nursery:
            for _ in range(TASKS):
                nursery.start_soon(trio.sleep, 3600)
            await trio.testing.wait_all_tasks_blocked()
            start = time.perf_counter()
            nursery.cancel_scope.cancel()
        elapsed += time.perf_counter() - start
    return elapsed * count / (times * TASKS)


trio.run(nanos, work)
