#!/usr/bin/python3
"""A network that can be broken: one TCP proxy in front of each of several servers.

    proxy.py PORT:SERVER_PORT..       listens on 127.0.0.1

A line on stdin is `pass PORT`, `freeze PORT` (connections stay, and are made, but no byte moves) or `cut PORT` (connections are reset, and refused); its answer on
stdout is `ok`. Ends with its stdin."""
import asyncio
import socket
import struct
import sys


class Half(asyncio.Protocol):
    """One side of a connection; what it hears goes to the other."""

    def __init__(self, link, other=None):
        self.link, self.other, self.waiting, self.transport = link, other, [], None

    def connection_made(self, transport):
        self.transport = transport
        self.link.halves.add(self)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.link.frozen:
            transport.pause_reading()
        if self.other is None:
            self.other = Half(self.link, self)
            asyncio.ensure_future(self.link.connect(self))
        elif self.other.transport.is_closing():
            transport.close()
        else:
            for data in self.other.waiting:
                transport.write(data)
            self.other.waiting.clear()

    def data_received(self, data):
        if self.other.transport is None:
            self.waiting.append(data)
        else:
            self.other.transport.write(data)

    def eof_received(self):
        if self.other.transport is not None and self.other.transport.can_write_eof():
            self.other.transport.write_eof()
        return True  # the other direction goes on

    def connection_lost(self, _):
        self.link.halves.discard(self)
        if self.other.transport is not None:
            self.other.transport.close()

    def reset(self):
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Link:
    def __init__(self, port, server):
        self.port, self.server, self.halves, self.frozen, self.listener = port, server, set(), False, None

    async def connect(self, half):
        try:
            await asyncio.get_running_loop().create_connection(lambda: half.other, "127.0.0.1", self.server)
        except OSError:
            half.reset()

    async def listen(self):
        self.listener = await asyncio.get_running_loop().create_server(lambda: Half(self), "127.0.0.1", self.port, backlog=512)

    async def become(self, what):
        self.frozen = what == "freeze"
        if what == "cut":
            self.listener.close()
            self.listener = None
            for half in list(self.halves):
                half.reset()
        elif self.listener is None:
            await self.listen()
        for half in self.halves:
            (half.transport.pause_reading if self.frozen else half.transport.resume_reading)()


async def main():
    links = {}
    for pair in sys.argv[1:]:
        port, server = map(int, pair.split(":"))
        links[port] = Link(port, server)
        await links[port].listen()
    print("ok", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).split():
        await links[int(line[1])].become(line[0].decode())
        print("ok", flush=True)


asyncio.run(main())
