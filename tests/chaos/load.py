"""An open-loop load of orders: due times are fixed beforehand, so a slow answer keeps no later order waiting. Each order has an Idempotency-Key of its own and is
sent again with it, after a back-off, until it is placed. asyncio over keep-alive connections, in a thread."""
import asyncio
import json
import random
import threading
import time

ANSWER_WITHIN = 20.0  # seconds; past the gateway's deadline, so it is the gateway that gives up first
GIVE_UP_AFTER = 60.0  # an order that is not placed by then is lost


class Connection(asyncio.Protocol):
    """HTTP/1.1, one request at a time."""

    def __init__(self):
        self.buffer, self.answer, self.transport, self.keeps, self.used = b"", None, None, True, False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 or self.answer is None:
            return
        head = self.buffer[:end].decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in head[1:])}
        size = int(fields.get("content-length", 0))
        if len(self.buffer) < end + 4 + size:
            return
        body, self.buffer = self.buffer[end + 4:end + 4 + size], self.buffer[end + 4 + size:]
        self.keeps, self.used = fields.get("connection", "").lower() != "close", True
        answer, self.answer = self.answer, None
        if not answer.done():
            answer.set_result((int(head[0].split(" ")[1]), fields, body))

    def connection_lost(self, error):
        self.keeps = False
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError(str(error or "closed without an answer")))

    def is_usable(self):
        return self.keeps and not self.transport.is_closing()


class Order:
    def __init__(self, number, user, due):
        self.number, self.user, self.due = number, user, due
        self.key = f"chaos-{number}"
        self.id = None       # of the answer 201
        self.first = None    # (status or 0, reason, seconds from its due time)
        self.tries = 0


class Load:
    """`ports`: of the gateways; as a balancer of connections would, it goes to the first that takes one. `users`: (id, token) each. `item`: what every order wants."""

    def __init__(self, ports, users, item):
        self.ports, self.users = ports, users
        self.body = json.dumps({"items": [item]}).encode()
        self.idle, self.orders, self.going = [], [], True
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def new_order(self, due):
        order = Order(len(self.orders), self.users[len(self.orders) % len(self.users)], due)
        self.orders.append(order)
        return order

    # ---- from the main thread ----

    def closed(self, workers, seconds):
        """Orders per second when `workers` ask again as soon as they are answered."""
        return asyncio.run_coroutine_threadsafe(self._closed(workers, seconds), self.loop).result()

    def begin(self, rate):
        self.job = asyncio.run_coroutine_threadsafe(self._open(rate), self.loop)

    def end(self):
        """Waits for the orders that are under way."""
        self.going = False
        self.job.result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    # ---- in the loop ----

    async def _closed(self, workers, seconds):
        until, done = time.monotonic() + seconds, 0

        async def work():
            nonlocal done
            while time.monotonic() < until:
                await self._place(self.new_order(time.monotonic()))
                done += 1
        begun = time.monotonic()
        await asyncio.gather(*(work() for _ in range(workers)))
        return done / (time.monotonic() - begun)

    async def _open(self, rate):
        due, under_way = time.monotonic(), set()
        while self.going:
            pause = due - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            task = asyncio.ensure_future(self._place(self.new_order(due)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += 1 / rate
        while under_way:
            await asyncio.wait(set(under_way))

    async def _place(self, order):
        while True:
            status, reason, order_id, retry_after = await self._try(order)
            order.tries += 1
            if order.first is None:
                order.first = (status, reason, time.monotonic() - order.due)
            if status == 201:
                order.id = order_id
                return
            if time.monotonic() - order.due > GIVE_UP_AFTER:
                return
            await asyncio.sleep(max(min(retry_after, 1.0), min(1.0, 0.05 * 2 ** order.tries)) * random.uniform(0.5, 1))

    async def _try(self, order):
        """As Go's transport does with a request that has an Idempotency-Key: on another connection if one that was kept closes without a byte of answer, since a server
        may close an idle one at the moment at which it is used again."""
        while True:
            answer, may_be_stale = await self._exchange(order)
            if not may_be_stale:
                return answer

    async def _exchange(self, order):
        """(status, reason, order id, seconds to wait), status 0 and the error's words where there was no answer; and whether a kept connection closed without a byte."""
        connection = None
        try:
            connection = await self._connection()
            answer = connection.answer = self.loop.create_future()
            connection.transport.write(b"POST /api/orders HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\n"
                                       b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                                       % (order.user[1].encode(), order.key.encode(), len(self.body), self.body))
            timer = self.loop.call_later(ANSWER_WITHIN, connection.transport.abort)
            try:
                status, fields, body = await answer
            finally:
                timer.cancel()
            if connection.is_usable():
                self.idle.append(connection)
            else:
                connection.transport.close()
            said = json.loads(body)
            if status == 201:
                return (status, "", said["id"], 0), False
            return (status, said.get("reason") or fields.get("x-yun-reason", ""), None, float(fields.get("retry-after", 0))), False
        except (OSError, ValueError) as error:
            stale = isinstance(error, ConnectionError) and connection is not None and connection.used and not connection.buffer
            return (0, f"{type(error).__name__}: {error}"[:80], None, 0), stale

    async def _connection(self):
        while self.idle:
            connection = self.idle.pop()
            if connection.is_usable():
                return connection
        for port in self.ports:
            try:
                _, connection = await self.loop.create_connection(Connection, "127.0.0.1", port)
                return connection
            except ConnectionRefusedError:
                if port == self.ports[-1]:
                    raise
