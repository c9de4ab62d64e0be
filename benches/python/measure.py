"""How long something takes, for each operation."""

import time

AT_LEAST = 0.1


async def nanos(work):
    """Prints the nanoseconds of an operation: `await work(count)` does so many, and may return the time of
    the part that counts."""
    count = 1
    while True:
        start = time.perf_counter()
        part = await work(count)
        elapsed = time.perf_counter() - start if part is None else part
        if elapsed >= AT_LEAST:
            print(elapsed * 1e9 / count)
            return
        count = max(2 * count, int(1.2 * count * AT_LEAST / max(elapsed, 1e-6)))
