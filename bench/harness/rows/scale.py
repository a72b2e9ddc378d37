"""scale: what a second loop adds. The load has to share core 1 with it, so the gain is told from CPU, not from requests a second."""

from dataclasses import replace
from typing import List

from .. import procs
from ..model import Goal, Row, Server
from . import common, grpc, http

BOTH = {procs.SERVER_CORE, procs.LOAD_CORE}
# Two loops do 2 * cpu1 / cpu2 of what one does with as much CPU each: 1.85 of it is cpu2 = 1.081 * cpu1.
LIMIT = 2 / 1.85


def _pair(server: Server) -> List[Server]:
    twice = replace(server, name=f"{server.name} on 2", cores=BOTH, note="on both cores; core 1 also makes the load")
    return [replace(server, note="on one core"), twice]


def _row(name: str, title: str, ours: Server, gin: List[Server], cases, route: str, targets: List[str], peers: List[str]) -> Row:
    goals = [Goal("second loop adds >= 0.85 of the first (CPU <= 1.08x)", LIMIT, "yun", ours="yun on 2")]
    return Row(name, title, [*_pair(ours), *gin], cases, goals, route=route, targets=targets, peers=peers)


def rows() -> List[Row]:
    unary = next(row for row in grpc.rows() if row.name == "grpc-unary")
    return [
        _row("scale-http", "http-json on one loop and on two", http.yun(), _pair(common.built_peer("gin")), [common.h1_case(http.USER_PATH)], "/api/users/{id}",
             ["openloop", "bench_http"], ["gin"]),
        _row("scale-grpc", "grpc-unary, 64 in flight on 16 connections, on one loop and on two", unary.servers[0], [], [unary.cases[-1]], unary.route,
             ["openloop", "bench_grpc"], []),
    ]
