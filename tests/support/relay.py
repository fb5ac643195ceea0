# SPDX-License-Identifier: Apache-2.0
"""The way to the broker through a process of ours, which stalls, slows down, resets or forgets connections on command.

What it cannot do is lose packets: on both sides there is a kernel that acknowledges every byte.
"""
import asyncio
import random
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import Optional

SEGMENT = 1400         # bytes that are passed on at once, as in a packet
SMALL_BUFFER = 16384   # bytes in the kernel, so that what has to wait, waits in the agent
FIRST_TIMEOUT = 0.2    # seconds until Linux sends a lost packet again; doubles each time (RFC 6298)
LONGEST_ANSWER = 30    # seconds; a command takes far less
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing throws away what waits, and says RST


@dataclass(eq=False)
class Pair:
    """One connection: the agent's side and the broker's."""
    agent: asyncio.StreamWriter
    broker: Optional[asyncio.StreamWriter] = None
    is_forgotten: bool = False

    def sides(self):
        return [side for side in (self.agent, self.broker) if side is not None]

    def abort(self):
        for side in self.sides():
            side.transport.abort()

    def reset(self):
        for side in self.sides():
            side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.abort()

    def forget(self):
        self.is_forgotten = True
        if self.broker is not None:
            self.broker.transport.abort()


@dataclass
class Direction:
    """What all connections share."""
    free_at: float = 0.0  # when all bytes so far are through


@dataclass
class Counts:
    connections: int = 0
    resets: int = 0
    passed: int = 0     # bytes; so are the next ones
    held_up: int = 0    # by a stall
    swallowed: int = 0  # in a connection whose other side is gone


@dataclass
class Relay:
    """Passes everything on until told otherwise; commands may come from any thread but its own."""

    broker_port: int
    counts: Counts = field(default_factory=Counts)

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._wait_for(self._open())
        return self

    def __exit__(self, *_):
        self._wait_for(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.listener.getsockname()[1]}"

    def stall(self):
        """Nothing passes in either direction, no connection is completed, and nobody is told."""
        self._command(self.passes.clear)

    def limit(self, bytes_per_second):
        self._command(lambda: setattr(self, "rate", bytes_per_second))

    def stall_as_if_losing(self, share):
        """As often and as long as TCP stalls that loses this share of its packets."""
        self._command(lambda: setattr(self, "loss", share))

    def heal(self):
        """No stall and no limit any more; what was forgotten stays so."""
        def heal():
            self.rate, self.loss = None, 0.0
            self.passes.set()
        self._command(heal)

    def reset(self):
        """RST to both sides of every connection."""
        def reset():
            for pair in self.pairs:
                self.counts.resets += pair.broker is not None and not pair.agent.is_closing()
                pair.reset()
        self._command(reset)

    def forget(self):
        """The broker's side of every connection is gone, and the agent is not told."""
        self._command(lambda: [pair.forget() for pair in self.pairs])

    def _command(self, change):
        async def carry_out():
            change()
        self._wait_for(carry_out())

    def _wait_for(self, work):
        asyncio.run_coroutine_threadsafe(work, self.loop).result(LONGEST_ANSWER)

    async def _open(self):
        self.pairs = set()
        self.rate, self.loss = None, 0.0
        self.directions = Direction(), Direction()
        self.passes = asyncio.Event()
        self.passes.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)  # accepted ones inherit it
        self.server = await asyncio.start_server(self._serve, sock=self.listener, limit=SEGMENT)

    async def _close(self):
        self.server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, from_agent, to_agent):
        pair = Pair(to_agent)
        self.pairs.add(pair)
        self.counts.connections += 1
        up, down = self.directions
        try:
            await self.passes.wait()
            from_broker, pair.broker = await asyncio.open_connection("127.0.0.1", self.broker_port, limit=SEGMENT)
            await asyncio.gather(self._pass_on(pair, from_agent, pair.broker, up),
                                 self._pass_on(pair, from_broker, to_agent, down))
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, and the other learns it; or the relay ends
        finally:
            self.pairs.discard(pair)
            pair.abort()

    async def _pass_on(self, pair, source, sink, direction):
        while data := await source.read(SEGMENT):
            await self._delay(len(data), direction)
            if pair.is_forgotten:
                self.counts.swallowed += len(data)
                continue
            sink.write(data)
            await sink.drain()
            self.counts.passed += len(data)
        if not pair.is_forgotten:
            sink.write_eof()

    async def _delay(self, size, direction):
        if not self.passes.is_set():
            self.counts.held_up += size
            await self.passes.wait()
        if self.rate is not None:
            now = self.loop.time()
            direction.free_at = max(now, direction.free_at) + size / self.rate
            await asyncio.sleep(direction.free_at - now)
        if (seconds := retransmission_time(self.loss)) > 0:
            self.counts.held_up += size
            await asyncio.sleep(seconds)


def retransmission_time(loss):
    """Until a packet gets through."""
    seconds, timeout = 0.0, FIRST_TIMEOUT
    while random.random() < loss:
        seconds += timeout
        timeout *= 2
    return seconds
