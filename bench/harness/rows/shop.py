"""shop-order: the golden journey's order, through gateway, order and user service on SQLite, against the same shop in Go (bench/peers/go-shop)."""

import json
import os
import re
import sqlite3
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional

from .. import answers, audit, loads, measure, procs
from ..context import TOP, Context
from ..model import Goal, Row, Server
from ..result import CaseResult, RowResult, ServerResult
from . import common

USERS = (1, 8, 64)
PATH, GET_USER = "/api/orders", "/shop.v1.UserService/GetUser"
ORDER = {"items": [{"product_id": "tea-longjing", "quantity": 2}, {"product_id": "cup-celadon", "quantity": 1}]}
STOCK = 10**12
LIMIT = 1_000_000  # requests a second and consumer: checked for each, never reached
PEERS = [f"go-shop-{each}" for each in ("gateway", "order", "user")]
ANONYMOUS = "MiB of RSS that is no file's, of all three"
PER_CPU = "orders a CPU second of all three"


@dataclass
class Program:
    name: str  # gateway, order or user
    process: procs.Process
    log: str
    admin: int


class Shop:
    """The three programs of one side, all on the server's core, each with a log on disk."""

    def __init__(self, context: Context, name: str):
        self.context, self.name = context, name
        self.folder = context.file(name.replace(" ", "-"))
        self.ports = {each: context.port() for each in ("user", "order", "gateway")}
        self.admins = {each: context.port() for each in self.ports}
        self.tokens = context.file(f"{os.path.basename(self.folder)}.tokens")
        self.programs: List[Program] = []
        self.ledgers: Dict[str, audit.Ledger] = {}
        self.requests = self.errors = self.run = 0
        self.others: List[float] = []
        for each in self.ports:
            os.makedirs(os.path.join(self.folder, each))
            self.programs.append(self._start(each))

    def _start(self, each: str) -> Program:
        log = os.path.join(self.folder, f"{each}.log")
        argv, env = self.command(each, log)
        return Program(each, self.context.start(argv, f"{os.path.basename(self.folder)}-{each}", env=env), log, self.admins[each])

    def command(self, each: str, log: str) -> "tuple[List[str], Dict[str, str]]":
        raise NotImplementedError

    def database(self) -> str:
        return os.path.join(self.folder, "order", "order.db")

    def ledger(self, program: Program) -> audit.Ledger:
        return audit.Ledger(program.log, program.admin, GET_USER if program.name == "user" else PATH)

    def call(self, method: str, path: str, body: object = None, headers: Optional[List[str]] = None) -> answers.Answer:
        sent = json.dumps(body).encode() if body is not None else b""
        return answers.http(self.ports["gateway"], path, method=method, body=sent, headers=[*(headers or []), "Connection: close", "Content-Type: application/json"])

    def until(self, status: str, request: Callable[[], answers.Answer], seconds: float = 20) -> answers.Answer:
        """Asks until all three have found each other."""
        end, said = time.monotonic() + seconds, "nothing"
        while time.monotonic() < end:
            for program in self.programs:
                if not program.process.alive():
                    raise measure.Void(f"{self.name}: {program.name} ended: {program.process.last_words()}")
            try:
                answer = request()
                if answer.status == status:
                    return answer
                said = f"{answer.status} {answer.body[:120]!r}"
            except (OSError, IndexError) as error:
                said = str(error)
            time.sleep(0.05)
        raise measure.Void(f"{self.name} gives no {status}: {said}")

    def prepare(self) -> answers.Answer:
        """Users, their tokens, and enough stock; then one order, for the comparison."""
        lines = []
        for number in range(max(USERS)):
            user = {"name": f"Customer {number}", "email": f"customer-{number}@example.com", "password": "correct horse battery"}
            self.until("201", lambda: self.call("POST", "/api/users", user))
            login = self.until("200", lambda: self.call("POST", "/api/login", {"email": user["email"], "password": user["password"]}))
            lines.append("authorization: Bearer " + json.loads(login.body)["token"])
        self.context.file(os.path.basename(self.tokens), "\n".join(lines) + "\n")
        with sqlite3.connect(self.database(), timeout=20) as database:
            database.execute("update products set stock = ?", (STOCK,))
        database.close()
        first = 0

        def order() -> answers.Answer:
            nonlocal first
            first += 1
            return self.call("POST", PATH, ORDER, [lines[0], f"Idempotency-Key: first-{first}"])

        return self.until("201", order)

    def load(self, users: int, *, requests: int = 0, rate: float = 0, seconds: float = 600) -> "tuple[loads.Loaded, procs.Stopwatch]":
        """`requests` orders as fast as `users` place them, or `rate` orders a second."""
        self.run += 1
        headers = ["content-type: application/json", f"idempotency-key: run-{self.run}-%n"]
        body = self.context.file("order.json", json.dumps(ORDER, separators=(",", ":")))
        with procs.Stopwatch([each.process.pid for each in self.programs], [each.pid for each in self.context.processes]) as watch:
            loaded = loads.openloop(
                self.context.program("openloop"), self.ports["gateway"], rate, seconds, requests=requests, of_connection=self.tokens, connections=users,
                method="POST", path=PATH, headers=headers, body=body,
            )
        if loaded.errors and not self.errors:
            self.context.facts.setdefault("complaints", []).append(f"{self.name}: {loaded.said}")
        # Only what was created counts: any other answer is an error, though below 400.
        created = json.loads(loaded.said)["statuses"].get("201", 0)
        self.requests += created
        self.errors += loaded.errors + loaded.requests - created
        self.others.append(watch.others)
        return loaded, watch

    def counted(self) -> Dict[str, int]:
        """What the database has, when the outbox has been delivered."""
        end = time.monotonic() + 20
        while True:
            database = sqlite3.connect(f"file:{self.database()}?mode=ro", uri=True, timeout=20)
            one = lambda text: database.execute(text).fetchone()[0]  # noqa: E731
            found = {
                "orders": one("select count(*) from orders"),
                "keys": one("select count(*) from keys"),
                "events": one("select count(*) from outbox"),
                "tea": STOCK - one("select stock from products where id = 'tea-longjing'"),
                "cups": STOCK - one("select stock from products where id = 'cup-celadon'"),
                "items": one("select count(*) from items"),
            }
            unsent = one("select count(*) from outbox where sent_at is null")
            database.close()
            if unsent == 0:
                return found
            if time.monotonic() > end:
                raise measure.Void(f"{self.name}: {unsent} events of the outbox were not delivered within 20 s")
            time.sleep(0.1)

    def open_ledgers(self) -> None:
        self.requests = self.errors = 0
        self.ledgers = {each.name: self.ledger(each) for each in self.programs}
        self.before = self.counted()

    def close_ledgers(self, result: RowResult) -> None:
        for name, ledger in self.ledgers.items():
            counts = ledger.close()
            result.void += [f"{self.name}, {name}: {fault}" for fault in audit.faults(self.requests, self.errors, 0, counts)]
            result.audited[f"{self.name}, {name}"] = {"sent": self.requests, "cut_off_at_most": 0, "log_lines": counts.lines, "counted": counts.counted}
        now = self.counted()
        grown = {name: now[name] - self.before[name] for name in now}
        due = {"orders": self.requests, "keys": self.requests, "events": self.requests, "tea": 2 * self.requests, "cups": self.requests, "items": 2 * self.requests}
        result.void += [f"{self.name}: {grown[name]} {name} in the database, {due[name]} are due" for name in due if grown[name] != due[name]]
        result.remarks.append(f"{self.name}: {self.requests} answers 201; in the database since: " + ", ".join(f"{count} {name}" for name, count in grown.items()))
        result.others = max([result.others, *self.others])


class Yun(Shop):
    """apps/gateway, apps/order and apps/user as they are; the gateway's own configuration but for how high its limits are."""

    def command(self, each: str, log: str) -> "tuple[List[str], Dict[str, str]]":
        argv = [self.context.program(each), "--listen", common.address(self.ports[each]), "--admin", common.address(self.admins[each]),
                "--log.output", log, "--data", os.path.join(self.folder, each)]
        user, order = common.address(self.ports["user"]), common.address(self.ports["order"])
        if each == "gateway":
            with open(os.path.join(TOP, "apps", "gateway", "gateway.yaml")) as file:
                argv += ["--routes", self.context.file("shop.yaml", file.read().replace("2000/s", f"{LIMIT}/s"))]
        if each == "order":
            argv += ["--users", f"static://{user}", "--jwks", f"http://{user}/.well-known/jwks.json"]
        return argv, {"SHOP_USERS": f"static://{user}", "SHOP_ORDERS": f"static://{order}", "DB_HOST": "", "DB_PORT": "", "CONSUL_ADDR": "", "REDIS_ADDR": ""}


class Go(Shop):
    def program(self, each: str) -> str:
        return self.context.peer(f"go-shop-{each}")

    def command(self, each: str, log: str) -> "tuple[List[str], Dict[str, str]]":
        user, admin, order = (common.address(port) for port in (self.ports["user"], self.admins["user"], self.ports["order"]))
        database = os.path.join(self.folder, each, f"{each}.db")
        more = {"user": [database], "order": [database, user, admin], "gateway": [user, admin, order, str(LIMIT)]}
        return [self.program(each), common.address(self.ports[each]), common.address(self.admins[each]), log, *more[each]], {}

    def ledger(self, program: Program) -> audit.Ledger:
        if program.name == "user":
            return audit.Ledger(program.log, program.admin, GET_USER, family="rpc_server_requests_total", label="method")
        return super().ledger(program)


def same(body: bytes) -> bytes:
    """An order's id and time are its own: everything else is compared byte by byte."""
    return re.sub(rb'"(id|created_at)":"[^"]+"', rb'"\1":""', body)


def _start(server: Server, context: Context) -> Shop:
    return (Yun if server.ours else Go)(context, server.name)


def _case_round(context: Context, users: int, case: CaseResult, turn: List[Shop], rates: Dict[str, float]) -> None:
    for shop in turn:
        into = case.servers[shop.name]
        loaded, watch = shop.load(users, requests=max(20, int(rates[shop.name] * context.options.seconds)))
        if loaded.requests and watch.server:
            into.add("cpu", watch.server * 1e6 / loaded.requests)
            into.add(PER_CPU, loaded.requests / watch.server)
        into.add("rate", loaded.rate)
        into.add("rss", sum(procs.rss_bytes(each.process.pid) for each in shop.programs))
        into.add(ANONYMOUS, sum(procs.anonymous_bytes(each.process.pid) for each in shop.programs) / 2**20)
    for shop in turn:
        loaded, _ = shop.load(users, rate=case.open_rate, seconds=context.options.open_seconds)
        for figure, value in loaded.percentiles.items():
            case.servers[shop.name].add(figure, value)


def _compare(shops: List[Shop], result: RowResult) -> None:
    given = {shop.name: shop.prepare() for shop in shops}
    result.void += answers.differences({name: answer.compared(b"", same) for name, answer in given.items()})
    for case in result.cases:
        for name, answer in given.items():
            case.servers[name].head_bytes, case.servers[name].body_bytes = answer.head_bytes, len(answer.body)
    if result.void:
        raise measure.Void("nothing was timed")


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        servers = measure.present(row, context, result)
        for users in USERS:
            name = "1 user" if users == 1 else f"{users} users at once"
            result.cases.append(CaseResult(name, "placed order", {each.name: ServerResult(each.name, each.note) for each in servers}))
        say(f"{row.name}: users are created")
        shops = [_start(server, context) for server in servers]
        _compare(shops, result)
        rates = {}
        for users, case in zip(USERS, result.cases):
            for shop in shops:
                first, _ = shop.load(users, requests=10 * users)
                second, _ = shop.load(users, requests=max(20, int(first.rate * min(1.0, context.options.seconds))))
                rates[users, shop.name] = second.rate
            case.open_rate = min(rates[users, shop.name] for shop in shops) / 2
        for shop in shops:
            shop.open_ledgers()
        for number in range(context.options.rounds):
            say(f"{row.name}: round {number + 1} of {context.options.rounds}")
            turn = shops[number % len(shops) :] + shops[: number % len(shops)]
            for users, case in zip(USERS, result.cases):
                _case_round(context, users, case, turn, {shop.name: rates[users, shop.name] for shop in shops})
        for shop in shops:
            shop.close_ledgers(result)

    return measure.guarded(row, context, work)


def go_missing(context: Context) -> Optional[str]:
    return next(filter(None, (common.peer_missing(peer)(context) for peer in PEERS)), None)


def _none(_context: Context, _port: int) -> List[str]:
    return []


def rows() -> List[Row]:
    return [
        Row(
            "shop-order",
            "POST of an order of two items through the gateway: token checked twice, user asked by gRPC, one transaction with synchronous=FULL",
            [
                Server("yun", _none, ours=True, missing=common.program_missing("order"), note="gateway, order, user as `./run` has them: metrics, traces, access logs to files, commits grouped"),
                Server("go shop", _none, missing=go_missing, note="Gin, httputil, grpc-go, database/sql with go-sqlite3, zap's access logs to files; no traces, a commit an order"),
            ],
            [],
            [
                Goal(">= 2.5x the orders a CPU second", 2.5, "go shop", figure=PER_CPU, at_least=True),
                Goal("RSS <= 1/4", 0.25, "go shop", figure="rss"),
                Goal("p99 lower", 1.0, "go shop", figure="p99", strict=True),
            ],
            targets=["openloop", "gateway", "order", "user"],
            peers=PEERS,
            run=_run,
        )
    ]
