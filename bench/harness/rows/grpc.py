"""Rows of the gRPC server: h2load sends framed messages, so that the client's cost is small and the same for all."""

import struct
from typing import Callable, List

from .. import answers, loads
from ..context import Context
from ..model import Case, Goal, Row, Server
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


def rows() -> List[Row]:
    unary, stream = "/bench.v1.Echo/Unary", "/bench.v1.Echo/Stream"
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
            peers=peers,
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
