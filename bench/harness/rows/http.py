"""Rows of the HTTP server."""

import json
import os
from dataclasses import replace
from typing import Callable, List

from ..context import Context
from ..model import Goal, Row, Server
from . import common

USER = '{"id":"42","name":"user_42"}'
USER_PATH = "/api/users/42"


def yun(*arguments: str, name: str = "yun", note: str = "typed handler, all default middleware, access log to a file") -> Server:
    return Server(name, lambda context, port: [context.program("http"), *arguments], ours=True, note=note, missing=common.program_missing("http"))


def order() -> str:
    """Some 4 KB, with a list of nested structs."""
    lines = [
        {"product": f"sku-{i:05d}", "title": f"Reinforced widget of series {i}, with all its fittings, in a box", "quantity": 1 + i % 7,
         "price_cents": 199 + 37 * i, "tags": ["steel", "outdoor", f"batch-{i:03d}"]}
        for i in range(23)
    ]
    return json.dumps({"customer": "customer-0042", "currency": "EUR", "note": "Leave it at the back door, please.", "lines": lines}, separators=(",", ":"))


def placed() -> str:
    sent = json.loads(order())
    lines = sent.pop("lines")
    totals = {"items": sum(line["quantity"] for line in lines), "total_cents": sum(line["quantity"] * line["price_cents"] for line in lines)}
    return json.dumps({"id": "o-1", **sent, **totals, "lines": lines}, separators=(",", ":"))


def files(context: Context) -> None:
    folder = context.file("files")
    os.mkdir(folder)
    for name, size in (("small.txt", 10_000), ("large.txt", 1_000_000)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(bytes(97 + i * 7 % 26 for i in range(1000)) * (size // 1000))
    context.facts["files"] = folder


def _ordered_as(value: object, example: object) -> object:
    """The members of each object of `value` in the order in which `example` has them."""
    if isinstance(value, dict) and isinstance(example, dict):
        known = {key: _ordered_as(value[key], example[key]) for key in example if key in value}
        return {**known, **{key: value[key] for key in value if key not in example}}
    if isinstance(value, list) and isinstance(example, list) and example:
        return [_ordered_as(each, example[0]) for each in value]
    return value


def drogon(same: Callable[[bytes], bytes] = bytes) -> Server:
    return replace(common.built_peer("drogon", note="drogon 1.9 with its Prometheus exporter, no access log; jsoncpp has members in the alphabet's order"), same=same)


def placed_in_order(body: bytes) -> bytes:
    return json.dumps(_ordered_as(json.loads(body), json.loads(placed())), separators=(",", ":")).encode()


def rows() -> List[Row]:
    gin = common.built_peer("gin", note="Gin 1.12 with the Prometheus middleware, no access log")
    echo = common.built_peer("echo", note="Echo 4 with the Prometheus middleware, no access log; ends its JSON with a newline", body_end=b"\n")
    axum = common.built_peer("axum", note="axum 0.8 with a Prometheus layer, no access log")
    nginx = common.nginx("return.conf", note="`return 200`, no access log")
    return [
        Row(
            "http-json",
            "GET /api/users/{id}: a typed handler answers JSON; 64 keep-alive connections",
            [common.floor(USER), yun(), nginx, gin, echo, axum, drogon()],
            [common.h1_case(USER_PATH)],
            [
                Goal("<= 1.20x floor", 1.20, "floor"),
                Goal("<= 1.14x floor (stretch)", 1.14, "floor"),
                Goal("<= 0.55x Gin", 0.55, "gin"),
            ],
            route="/api/users/{id}",
            floor="floor",
            targets=["openloop", "floor", "bench_http"],
            peers=["gin", "echo", "axum", "drogon"],
        ),
        Row(
            "http-post",
            "POST of a 4 KB order: read, validated, answered with 4 KB; 64 keep-alive connections",
            [common.floor(placed()), yun(), gin, axum, drogon(placed_in_order)],
            [common.h1_case("/api/orders", method="POST", body=order())],
            [Goal("ahead of axum", 1.0, "axum", strict=True), Goal("<= 0.25x Gin", 0.25, "gin")],
            route="/api/orders",
            floor="floor",
            targets=["openloop", "floor", "bench_http"],
            peers=["gin", "axum", "drogon"],
        ),
        Row(
            "http-pipelined",
            "the same GET, 16 requests in flight on each of 64 connections",
            [common.floor(USER), yun(), nginx, gin, axum],
            [common.h1_case(USER_PATH, depth=16)],
            [Goal("ahead of nginx", 1.0, "nginx", strict=True)],
            route="/api/users/{id}",
            floor="floor",
            targets=["openloop", "floor", "bench_http"],
            peers=["gin", "axum"],
        ),
        Row(
            "http-static",
            "a file of 10 KB and one of 1 MB; 64 keep-alive connections",
            [
                Server("yun", lambda context, port: [context.program("http"), "--files", str(context.facts["files"])], ours=True,
                       missing=common.program_missing("http"), note="all default middleware, access log to a file"),
                common.nginx("files.conf", note="sendfile, no access log", files="files"),
            ],
            [common.h1_case("/files/small.txt", name="10 KB"), common.h1_case("/files/large.txt", name="1 MB")],
            [Goal("<= 1.05x nginx", 1.05, "nginx")],
            route="/files/{path...}",
            targets=["openloop", "bench_http"],
            prepare=files,
        ),
    ]
