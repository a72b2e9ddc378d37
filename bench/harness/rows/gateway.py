"""Rows of the gateway. What is behind it is the raw epoll floor, on the load's core: it is no part of what is measured."""

from typing import List

from .. import procs
from ..context import Context
from ..model import Goal, Row, Server
from . import common

ANSWER = '{"text":"' + "y" * 1013 + '"}'


def upstream(context: Context) -> None:
    port = context.port()
    context.start([context.program("floor"), str(port), context.file("upstream.body", ANSWER)], "upstream", core=procs.LOAD_CORE)
    context.facts["upstream"] = port


def yun(template: str, name: str = "yun", note: str = "routing, metrics, traces, access log to a file") -> Server:
    def command(context: Context, port: int) -> List[str]:
        routes = context.template(f"servers/{template}", f"{name}.yaml", upstream=context.facts["upstream"])
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
    ]
