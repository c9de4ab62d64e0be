"""Requests that are parsed, handed to another task under a time limit, and answered."""

import sys
import time

import trio
from measure import nanos

CONNECTIONS = int(sys.argv[1])
REQUEST = (
    b"GET /items/1234 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: benches\r\n"
    b"Accept: application/json\r\nAccept-Encoding: identity\r\nConnection: keep-alive\r\n\r\n"
)


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
        questions, asked = trio.open_memory_channel(64)
        nursery.start_soon(look_up, asked)
        async with questions:
            for near, far in pairs:
                nursery.start_soon(ask, near, times)
                nursery.start_soon(serve, far, questions.clone())
    return (time.perf_counter() - start) * count / (times * CONNECTIONS)


def parse(request):
    head, end, _ = request.decode().partition("\r\n\r\n")
    if not end:
        return None
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    assert headers["connection"] == "keep-alive"
    return int(first.split(" ")[1].removeprefix("/items/"))


async def look_up(asked):
    async for item, reply in asked:
        await reply.send(1 + ((item * 2_654_435_761 & 0xFFFF_FFFF) >> 16))


async def serve(stream, questions):
    reply, answers = trio.open_memory_channel(1)
    async with stream, questions:
        received = b""
        while data := await stream.receive_some(4096):
            received += data
            item = parse(received)
            if item is None:
                continue
            received = b""
            with trio.fail_after(5):
                await questions.send((item, reply))
                price = await answers.receive()
            body = f'{{"item":{item},"price":{price}}}\n'
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            await stream.send_all((head + body).encode())


async def ask(stream, times):
    async with stream:
        for _ in range(times):
            await stream.send_all(REQUEST)
            response = b""
            while not response.endswith(b"}\n"):
                response += await stream.receive_some(4096)


trio.run(nanos, work)
