"""64 bytes, there and back, over as many connections as the argument says. Both ends are here."""

import sys
import time

import trio
from measure import nanos

CONNECTIONS = int(sys.argv[1])
SMALL = b"\7" * 64


async def work(count):
    times = -(-count // CONNECTIONS)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    async with listener, trio.open_nursery() as nursery:
        pairs = []
        for _ in range(CONNECTIONS):
            near = await trio.open_tcp_stream("127.0.0.1", port)
            pairs.append((near, await listener.accept()))
        start = time.perf_counter()
        for near, far in pairs:
            nursery.start_soon(ask, near, times)
            nursery.start_soon(answer, far)
    return (time.perf_counter() - start) * count / (times * CONNECTIONS)


async def ask(stream, times):
    async with stream:
        for _ in range(times):
            await stream.send_all(SMALL)
            await stream.receive_some(1024)


async def answer(stream):
    async with stream:
        while data := await stream.receive_some(1024):
            await stream.send_all(data)


trio.run(nanos, work)
