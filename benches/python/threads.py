"""Something that another thread does for a task."""

import trio
from measure import nanos


async def work(count):
    for number in range(count):
        await trio.to_thread.run_sync(abs, number)


trio.run(nanos, work)
