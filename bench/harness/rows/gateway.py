"""Rows of the gateway. What is behind it is the raw epoll floor, on the load's core: it is no part of what is measured."""

import json
from dataclasses import replace
from typing import List

from .. import procs, tokens
from ..context import Context
from ..model import Goal, Row, Server
from . import common

ANSWER = '{"text":"' + "y" * 1013 + '"}'


def upstream(context: Context) -> None:
    port = context.port()
    context.start([context.program("floor"), str(port), context.file("upstream.body", ANSWER)], "upstream", core=procs.LOAD_CORE)
    context.facts["upstream"] = port


def yun(template: str, name: str = "yun", note: str = "routing, metrics, traces, access log to a file", **facts: object) -> Server:
    def command(context: Context, port: int) -> List[str]:
        known = {key: context.facts[key] for key in ("upstream", "jwks") if key in context.facts}
        routes = context.template(f"servers/{template}", f"{name.replace(' ', '-')}.yaml", **{**known, **facts})
        return [context.program("gateway"), "--routes", routes, "--data", context.scratch]

    return Server(name, command, ours=True, note=note, missing=common.program_missing("gateway"))


def relay() -> Server:
    def command(context: Context, port: int) -> List[str]:
        return [context.program("relay"), str(port), str(context.facts["upstream"])]

    return Server("relay", command, note="copies bytes, understands nothing", missing=common.program_missing("relay"))


def haproxy() -> Server:
    def command(context: Context, port: int) -> List[str]:
        return ["haproxy", "-db", "-f", context.template("peers/haproxy/plain.cfg", "haproxy.cfg", port=port, upstream=context.facts["upstream"])]

    return Server("haproxy", command, note="no log", missing=common.command_missing("haproxy"))


def policy_backends(context: Context) -> None:
    """The upstream, a key set that is served beside it, and a token."""
    upstream(context)
    keys, context.facts["token"] = tokens.make(context.file("signing.pem"))
    port = context.port()
    context.facts["keys"] = context.file("jwks.json", keys)
    context.start([context.program("floor"), str(port), str(context.facts["keys"])], "jwks", core=procs.LOAD_CORE)
    context.facts["jwks"] = port


def go_gateway() -> Server:
    def command(context: Context, port: int) -> List[str]:
        return [context.peer("gateway"), common.address(port), f"http://127.0.0.1:{context.facts['upstream']}", str(context.facts["keys"])]

    return Server("go gateway", command, missing=common.peer_missing("gateway"), note="Gin, httputil's reverse proxy, golang-jwt, x/time/rate, verified tokens kept, no log")


def users(context: Context) -> None:
    """Our gRPC server, on the load's core, for both gateways."""
    port = context.port()
    argv = [context.program("grpc"), "--listen", common.address(port), "--admin", common.address(context.port()), "--log.output", "none"]
    context.start(argv, "users", core=procs.LOAD_CORE)
    context.facts["upstream"] = port


def grpc_gateway() -> Server:
    def command(context: Context, port: int) -> List[str]:
        return [context.peer("transcode"), common.address(port), common.address(context.facts["upstream"])]

    return Server("grpc-gateway", command, missing=common.peer_missing("transcode"), note="2.33 in one process of its own, no metrics, no log")


def same_json(body: bytes) -> bytes:
    """protojson puts spaces where its build's hash says: the value is compared, not the spaces."""
    return json.dumps(json.loads(body)).encode()


def rows() -> List[Row]:
    return [
        Row(
            "gateway-plain",
            "GET through the gateway, 1 KB answer, keep-alive on both sides, 64 connections",
            [
                relay(),
                yun("plain.yaml"),
                common.nginx("proxy.conf", note="keep-alive upstream, no log", upstream="upstream"),
                common.nginx("proxy-log.conf", "nginx with log", note="keep-alive upstream, access log to a file", upstream="upstream"),
                haproxy(),
            ],
            [common.h1_case("/plain/42")],
            [Goal("<= 1.00x nginx without log", 1.0, "nginx"), Goal("<= 0.85x nginx without log (stretch)", 0.85, "nginx")],
            route="/plain/{id}",
            floor="relay",
            targets=["openloop", "floor", "relay", "gateway"],
            prepare=upstream,
        ),
        Row(
            "gateway-policy",
            "the same with a JWT (ES256, verified once, then kept) and a limit by consumer; 64 connections",
            [
                yun("policy.yaml", use="jwt: main, limit: 10000000/s by consumer", note="routing, JWT, limit, metrics, traces, access log to a file"),
                yun("policy.yaml", "yun plain", use="", note="the same without JWT and limit"),
                go_gateway(),
            ],
            [common.h1_case("/policy/42", headers=["Authorization: Bearer @TOKEN@"])],
            [Goal("<= 0.33x the Go gateway", 0.33, "go gateway"), Goal("<= 1.15x our own plain", 1.15, "yun plain")],
            route="/policy/{id}",
            targets=["openloop", "floor", "gateway"],
            peers=["gateway"],
            prepare=policy_backends,
        ),
        Row(
            "gateway-transcode",
            "GET of JSON, a unary gRPC call behind it; 64 connections",
            [yun("transcode.yaml", note="methods learnt by reflection, metrics, traces, access log to a file"), grpc_gateway()],
            [replace(common.h1_case("/api/users/42"), same=same_json)],
            [Goal("<= 0.33x grpc-gateway", 0.33, "grpc-gateway")],
            route="/api/users/{id}",
            targets=["openloop", "bench_grpc", "gateway"],
            peers=["transcode"],
            prepare=users,
        ),
    ]
