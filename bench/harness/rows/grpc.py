"""Rows of the gRPC server: h2load sends framed messages, so that the client's cost is small and the same for all."""

import base64
import json
import os
import struct
from typing import Callable, Dict, List

from .. import answers, build, loads, measure, stats
from ..context import Context
from ..model import Case, Goal, Row, Server
from ..result import RowResult
from . import common

HEADERS = ["content-type: application/grpc", "te: trailers"]
PAYLOAD = b"x" * 96


def message() -> bytes:
    """bench.v1.Message with a payload that makes it some 100 bytes."""
    return b"\x0a" + bytes([len(PAYLOAD)]) + PAYLOAD


def frame(body: bytes) -> bytes:
    return b"\x00" + struct.pack(">I", len(body)) + body


def call_case(name: str, path: str, body: bytes, answer: bytes, probe: Callable[[Context, int], answers.Answer], connections: int, streams: int) -> Case:
    def closed(context: Context, port: int, seconds: float, rate: float):
        count = max(1000, int(rate * seconds))
        return loads.h2load(f"http://127.0.0.1:{port}{path}", count, connections=connections, streams=streams, body=context.file("call.frame", body), headers=HEADERS)

    def open_(context: Context, port: int, rate: float, seconds: float):
        return loads.openloop(
            context.program("openloop"), port, rate, seconds, connections=connections, streams=streams, method="POST", path=path, headers=HEADERS,
            body=context.file("call.frame", body),
        )

    return Case(name, closed, probe, open_, body_bytes=len(answer), unit="call")


def servers() -> List[Server]:
    def program(name: str, label: str, note: str) -> Server:
        return Server(label, lambda context, port: [context.program(name), common.address(port)], missing=common.program_missing(name), note=note)

    return [
        Server("yun", lambda context, port: [context.program("grpc")], ours=True, missing=common.program_missing("grpc"),
               note="all default middleware, access log to a file"),
        common.built_peer("grpcgo", "grpc-go", note="1.85, no metrics, no log"),
        common.built_peer("tonic", note="0.14, no metrics, no log"),
        program("grpcpp_queue", "grpc++ queue", "Debian's 1.51, completion queue, one thread, no metrics, no log"),
        program("grpcpp_callback", "grpc++ callback", "Debian's 1.51, callback interface, no metrics, no log"),
    ]


SHAPES = [("1 in flight on 1 connection", 1, 1), ("64 in flight on 1 connection", 1, 64), ("64 in flight on 16 connections", 16, 4)]


UNARY = "/bench.v1.Echo/Unary"
CHECKED_RATE = 2000  # calls a second that both generators make with ease


def cross_check(row: Row, context: Context, running: "Dict[str, measure.Running]", result: RowResult) -> None:
    """The same calls at the same rate by ghz, a generator that is not ours and speaks through grpc-go's client: the rates must agree, by each
    generator's own count, and the audit that follows sees that the server had as many. Its client does more than frames, so the server's CPU
    under both is printed and not judged."""
    if common.peer_missing("ghz")(context):
        result.left_out["ghz"] = str(common.peer_missing("ghz")(context))
        return
    data = json.dumps({"payload": base64.b64encode(PAYLOAD).decode()})
    proto, seconds, each = os.path.join(build.PROTO, "echo.proto"), max(2.0, context.options.open_seconds), running["yun"]

    def by_ghz(_context: Context, port: int) -> loads.Loaded:
        return loads.ghz(context.peer("ghz"), port, proto, "bench.v1.Echo.Unary", data, CHECKED_RATE, int(CHECKED_RATE * seconds), connections=connections, streams=streams)

    for case, (name, connections, streams) in zip(row.cases, SHAPES):
        # One call at a time is as fast as the client's own way to the server and back: nothing to compare.
        if connections * streams == 1:
            continue
        rates: Dict[str, List[float]] = {"openloop": [], "ghz": []}
        cpu: Dict[str, List[float]] = {"openloop": [], "ghz": []}
        for _ in range(3):
            for generator, load in (("openloop", lambda _context, _port: case.open(context, each.port, CHECKED_RATE, seconds)), ("ghz", by_ghz)):
                loaded, watch = each.load(case, load)
                rates[generator].append(loaded.rate)
                cpu[generator].append(watch.server * 1e6 / max(1, loaded.requests))
        ours, theirs = (stats.median(values) for values in rates.values())
        result.remarks.append(f"{name}, at {CHECKED_RATE} calls/s: openloop {ours:.0f}/s, ghz {theirs:.0f}/s; CPU of yun {stats.median(cpu['openloop']):.1f} µs a call under openloop, {stats.median(cpu['ghz']):.1f} under ghz")
        if abs(theirs / ours - 1) > stats.SPREAD_LIMIT:
            result.void.append(f"{name}: openloop and ghz do not agree on the rate")


def rows() -> List[Row]:
    unary, stream = UNARY, "/bench.v1.Echo/Stream"
    one, many = frame(message()), frame(message()) * 100
    goals = [Goal("<= 0.5x grpc-go", 0.5, "grpc-go"), Goal("ahead of tonic", 1.0, "tonic", strict=True)]
    targets, peers = ["openloop", "bench_grpc", "grpcpp_queue", "grpcpp_callback"], ["grpcgo", "tonic"]

    def probe_unary(_context: Context, port: int) -> answers.Answer:
        return answers.grpc_unary(port, unary, message())

    def probe_stream(_context: Context, port: int) -> answers.Answer:
        return answers.grpc_stream(port, stream, [message()] * 100)

    return [
        Row(
            "grpc-unary",
            "unary echo of a 100 B message",
            servers(),
            [call_case(name, unary, one, one, probe_unary, connections, streams) for name, connections, streams in SHAPES],
            goals,
            route=unary,
            targets=targets,
            peers=[*peers, "ghz"],
            check=cross_check,
        ),
        Row(
            "grpc-stream",
            "bidirectional stream of 100 messages of 100 B, each echoed",
            servers(),
            [call_case(name, stream, many, many, probe_stream, connections, streams) for name, connections, streams in SHAPES],
            goals,
            route=stream,
            targets=targets,
            peers=peers,
        ),
    ]
