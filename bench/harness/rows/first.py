"""first: from exec to the first 200, what an idle process holds, how large the program is; and what the shop's developers wait for: a build from nothing,
and one file that was changed until the shop serves again."""

import os
import shutil
import socket
import subprocess
import time
from typing import Dict, List, Optional

from .. import build, measure, procs
from ..context import TOP, Context
from ..model import Goal, Row
from ..result import CaseResult, RowResult, ServerResult
from . import common, http, shop

STARTS = 5  # a round
CLEAN_ROUNDS = 3
SERVICE, SHOP = "a service of one typed route", "the three programs of the shop, built without ccache"
START, IDLE, SIZE = "ms from exec to the first 200", "MiB of RSS when idle", "MB of stripped program"
CLEAN, TOUCHED = "s from nothing until serving", "s from a changed file until serving again"


def _first_answer(port: int, began: float, seconds: float = 10) -> float:
    """Milliseconds from `began` to the whole head of a 200."""
    request = f"GET {http.USER_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    while time.perf_counter() - began < seconds:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as one:
                one.sendall(request)
                if one.recv(4096).startswith(b"HTTP/1.1 200"):
                    return (time.perf_counter() - began) * 1e3
        except OSError:
            pass
        time.sleep(0.0002)
    raise measure.Void("no 200 within ten seconds")


def _stripped_size(program: str, context: Context) -> int:
    copy = context.file("stripped")
    shutil.copy2(program, copy)
    subprocess.run(["strip", copy], check=True, capture_output=True)
    return os.path.getsize(copy)


def _starts(row: Row, context: Context, server, into: ServerResult) -> None:
    times = []
    for _ in range(STARTS):
        # Running's own work, ports and the like, is no part of it.
        running = measure.Running(context, server, row)
        times.append(_first_answer(running.port, running.started))
        time.sleep(0.1)
        rss = procs.rss_bytes(running.process.pid)
        running.process.stop()
    into.add(START, sorted(times)[len(times) // 2])
    into.add(IDLE, rss / 2**20)
    into.add(SIZE, _stripped_size(running.process.argv[0], context) / 1e6)


def _change(path: str, line: str) -> None:
    """A line of code: a comment would leave Go's compiled package, and so all that is linked from it, as it was."""
    with open(path, "a") as file:
        file.write(line.replace("#", str(time.monotonic_ns())) + "\n")


def _call(argv: List[str], context: Context, cwd: str, env: Optional[Dict[str, str]] = None) -> None:
    with open(context.file("builds.out"), "ab") as out:
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    if done.returncode != 0:
        with open(context.file("builds.out"), errors="replace") as file:
            raise measure.Void(f"{os.path.basename(argv[0])} failed: " + " ".join(file.read().strip().splitlines()[-3:]))


class YunTree:
    """A copy of the tree, where `./run` builds and starts the shop."""

    SOURCE = "yun/http/server/http1.cpp"

    def __init__(self, context: Context):
        self.context, self.tree, self.data = context, context.file("tree"), context.file("tree-data")
        self.port = 0

    def copy(self) -> None:
        shutil.rmtree(self.tree, ignore_errors=True)
        known = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TOP, capture_output=True, check=True).stdout
        for name in known.decode().split("\0"):
            if name and os.path.isfile(os.path.join(TOP, name)):
                os.makedirs(os.path.dirname(os.path.join(self.tree, name)), exist_ok=True)
                shutil.copy2(os.path.join(TOP, name), os.path.join(self.tree, name))

    def until_serving(self) -> float:
        # `./run` takes PORT to PORT + 2 and PORT + 10 to PORT + 12.
        self.port = self.port or max(self.context.port() for _ in range(13)) - 12
        began = time.perf_counter()
        _call(["./run", "--no-install", "--detach", "--port", str(self.port), "--data", self.data], self.context, self.tree, {"CCACHE_DISABLE": "1"})
        return time.perf_counter() - began

    def change(self) -> None:
        _change(os.path.join(self.tree, self.SOURCE), "[[maybe_unused]] static const int changed_# = 1;")

    def stop(self) -> None:
        if os.path.exists(os.path.join(self.tree, "run")):
            subprocess.run(["./run", "--stop", "--data", self.data], cwd=self.tree, capture_output=True)


class BuiltGo(shop.Go):
    """The Go shop from a folder of programs."""

    def __init__(self, context: Context, name: str, programs: str):
        self.built = programs
        super().__init__(context, name)

    def program(self, each: str) -> str:
        return os.path.join(self.built, each)


class GoTree:
    """The Go shop's module in a folder of its own, with Go's cache of compiled packages beside it; modules have been fetched before."""

    SOURCE = "go-shop/shop/shop.go"

    def __init__(self, context: Context):
        self.context, self.tree, self.cache = context, context.file("go-tree"), context.file("go-cache")
        self.env: Dict[str, str] = {}
        self.shop: Optional[shop.Shop] = None
        self.starts = 0

    def copy(self) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)
        try:
            self.env = build.go_module(self.tree, self.context.file("builds.out"))
        except build.Failed as error:
            raise measure.Void(str(error)) from error

    def until_serving(self) -> float:
        began = time.perf_counter()
        _call([build.go_program(), "build", "-buildvcs=false", "-o", self.tree + "/bin/", *(f"./{package}" for package in build.SHOP.values())], self.context, self.tree,
              {**self.env, "GOCACHE": self.cache, "CGO_ENABLED": "1"})
        self.starts += 1
        self.shop = BuiltGo(self.context, f"go shop built {self.starts}", os.path.join(self.tree, "bin"))
        self.shop.until("200", lambda: self.shop.call("GET", "/api/products"))
        return time.perf_counter() - began

    def change(self) -> None:
        _change(os.path.join(self.tree, self.SOURCE), "var Changed# = 1")

    def stop(self) -> None:
        for program in self.shop.programs if self.shop else []:
            program.process.stop()


def _builds(tree, number: int, into: ServerResult) -> None:
    try:
        if number < CLEAN_ROUNDS:
            tree.copy()
            into.add(CLEAN, tree.until_serving())
            tree.stop()
        tree.change()
        into.add(TOUCHED, tree.until_serving())
    finally:
        tree.stop()


def _run(row: Row, context: Context, say) -> RowResult:
    def work(result: RowResult) -> None:
        servers = measure.present(row, context, result)
        service = CaseResult(SERVICE, servers={each.name: ServerResult(each.name, each.note) for each in servers})
        shops = CaseResult(SHOP, servers={"yun": ServerResult("yun")})
        result.cases += [service, shops]
        trees: Dict[str, object] = {"yun": YunTree(context)}
        missing = shop.go_missing(context)
        if missing:
            result.left_out["go shop"] = missing
        else:
            trees["go shop"] = GoTree(context)
            shops.servers["go shop"] = ServerResult("go shop", "`go build` with an empty GOCACHE, modules fetched; SQLite's C is compiled too")
        for number in range(context.options.rounds):
            with procs.Stopwatch([]) as watch:
                say(f"{row.name}: round {number + 1} of {context.options.rounds}, starts")
                for server in servers:
                    _starts(row, context, server, service.servers[server.name])
                for name, tree in trees.items():
                    if not context.options.quick or number == 0:
                        say(f"{row.name}: round {number + 1} of {context.options.rounds}, {name} is built")
                        _builds(tree, number, shops.servers[name])
            result.others = max(result.others, watch.others)
        result.remarks.append("yun links the system's shared libraries (OpenSSL, protobuf and the like), Go and Rust programs hold all but libc")
        result.remarks.append(f"changed: {YunTree.SOURCE} of ours, which all three programs link, and {GoTree.SOURCE} of the Go shop")

    return measure.guarded(row, context, work)


def rows() -> List[Row]:
    return [
        Row(
            "first",
            "what a service of one route needs to start, idle and be shipped; and how long its developers wait for the shop",
            [http.yun(), common.built_peer("gin", note="Gin 1.12 with the Prometheus middleware"), common.built_peer("axum", note="axum 0.8 with a Prometheus layer")],
            [],
            [
                Goal("<= 20 ms to the first 200", 20, figure=START, case=SERVICE),
                Goal("<= 10 MiB idle", 10, figure=IDLE, case=SERVICE),
                Goal("<= 8 MB stripped", 8, figure=SIZE, case=SERVICE),
                Goal("<= 4 min from nothing", 240, figure=CLEAN, case=SHOP),
                Goal("<= 15 s from a changed file", 15, figure=TOUCHED, case=SHOP),
            ],
            targets=["bench_http"],
            peers=["gin", "axum", *shop.PEERS],
            run=_run,
        )
    ]
