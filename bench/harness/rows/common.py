"""Servers and loads that several rows share."""

import os
import shutil
from typing import Callable, List, Optional

from .. import answers, loads
from ..context import Context
from ..model import Case, Server

CONNECTIONS = 64


def program_missing(name: str) -> Callable[[Context], Optional[str]]:
    return lambda context: None if os.access(context.program(name), os.X_OK) else f"{name} is not built"


def peer_missing(name: str) -> Callable[[Context], Optional[str]]:
    return lambda context: None if os.access(context.peer(name), os.X_OK) else context.facts.get("missing", {}).get(name, f"{name} is not built")


def command_missing(name: str) -> Callable[[Context], Optional[str]]:
    return lambda context: None if shutil.which(name) else f"Debian's package {name} is not installed"


def address(port: int) -> str:
    return f"127.0.0.1:{port}"


def built_peer(name: str, label: Optional[str] = None, *arguments: str, note: str = "", body_end: bytes = b"") -> Server:
    return Server(label or name, lambda context, port: [context.peer(name), address(port), *arguments], missing=peer_missing(name), note=note, body_end=body_end)


def floor(body: str, kind: str = "application/json") -> Server:
    def command(context: Context, port: int) -> List[str]:
        return [context.program("floor"), str(port), context.file("floor.body", body), kind]

    return Server("floor", command, note="raw epoll, canned bytes", missing=program_missing("floor"))


def nginx(template: str, name: str = "nginx", note: str = "", **facts: str) -> Server:
    """`facts`: what of the context's facts fills which @NAME@ of the template."""

    def command(context: Context, port: int) -> List[str]:
        word = name.replace(" ", "-")
        values = {key: context.facts[fact] for key, fact in facts.items()}
        return ["nginx", "-c", context.template(f"peers/nginx/{template}", f"{word}.conf", port=port, name=word, **values)]

    return Server(name, command, note=note, missing=command_missing("nginx"))


def h1_case(path: str, *, name: str = "", method: str = "GET", body: str = "", headers: Optional[List[str]] = None, depth: int = 1) -> Case:
    """wrk on 64 keep-alive connections, `depth` requests in flight on each."""
    sent = [*(headers or []), *(["Content-Type: application/json"] if body else [])]

    def script(context: Context) -> Optional[str]:
        if not body and depth == 1:
            return None
        lines = [f'wrk.method = "{method}"', f"wrk.body = {lua_text(body)}" if body else ""]
        if depth > 1:
            lines += ["local all", f"function init() local r = {{}} for i = 1, {depth} do r[i] = wrk.format(nil, {lua_text(path)}) end all = table.concat(r) end"]
            lines += ["function request() return all end"]
        return context.file(f"load-{abs(hash((name, path, depth)))}.lua", "\n".join(lines) + "\n")

    def closed(context: Context, port: int, seconds: float, _rate: float):
        return loads.wrk(f"http://127.0.0.1:{port}{path}", seconds, connections=CONNECTIONS, script=script(context), in_flight=depth, headers=filled(context, sent))

    def open_(context: Context, port: int, rate: float, seconds: float):
        file = context.file("load.body", body) if body else None
        lower = [f"{line.partition(':')[0].lower()}:{line.partition(':')[2]}" for line in filled(context, sent)]
        return loads.openloop(context.program("openloop"), port, rate, seconds, connections=CONNECTIONS, depth=depth, method=method, path=path, headers=lower, body=file)

    def probe(context: Context, port: int):
        return answers.http(port, path, method=method, body=body.encode(), headers=filled(context, sent))

    return Case(name, closed, probe, open_)


def filled(context: Context, headers: List[str]) -> List[str]:
    """@FACT@ in a header is that fact of the context: a token that is made for the run."""
    return [line.replace("@TOKEN@", str(context.facts.get("token", ""))) for line in headers]


def lua_text(text: str) -> str:
    return '"' + "".join(f"\\{ord(c)}" if c in '"\\\n\r' else c for c in text) + '"'
