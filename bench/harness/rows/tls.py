"""Rows under HTTP/2 and TLS."""

import re
import subprocess
from typing import List

from .. import answers, loads, procs
from ..context import Context
from ..model import Case, Goal, Row, Server
from . import common, http


def certificate(context: Context) -> None:
    """A P-256 certificate of this run, for all servers of the row."""
    key, cert = context.file("key.pem"), context.file("certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )
    context.facts.update(key=key, certificate=cert)


def _tls_peer(name: str, note: str) -> Server:
    def command(context: Context, port: int) -> List[str]:
        return [context.peer(name), common.address(port), str(context.facts["certificate"]), str(context.facts["key"])]

    return Server(name, command, missing=common.peer_missing(name), note=note)


def _yun_tls() -> Server:
    def command(context: Context, _port: int) -> List[str]:
        return [context.program("http"), "--tls.certificate", str(context.facts["certificate"]), "--tls.key", str(context.facts["key"])]

    return Server("yun", command, ours=True, missing=common.program_missing("http"), note="typed handler, all default middleware, access log to a file")


def _probe(context: Context, port: int) -> answers.Answer:
    return answers.http(port, http.USER_PATH, tls=True)


def _keep_alive() -> Case:
    def closed(_context: Context, port: int, seconds: float, _rate: float):
        loaded = loads.wrk(f"https://127.0.0.1:{port}{http.USER_PATH}", seconds, connections=common.CONNECTIONS)
        return loaded

    def open_(context: Context, port: int, rate: float, seconds: float):
        return loads.openloop(context.program("openloop"), port, rate, seconds, connections=common.CONNECTIONS, path=http.USER_PATH, tls=True)

    return Case("keep-alive", closed, _probe, open_)


def parse_s_time(said: str, seconds: float) -> loads.Loaded:
    """openssl s_time counts connections, each with one request; it ends after the one in which its time ran out."""
    found = re.search(r"^(\d+) connections in (\d+) real seconds", said, re.M)
    if not found:
        raise loads.LoadFailed("openssl s_time: its output is not understood")
    return loads.Loaded(int(found[1]), 0, seconds, cut_off=1, said=said.strip())


def _handshakes() -> Case:
    def closed(_context: Context, port: int, seconds: float, _rate: float):
        whole = max(1, round(seconds))
        argv = ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", str(whole), "-www", http.USER_PATH]
        done = procs.run_load(argv, whole + 60)
        if done.returncode != 0:
            raise loads.LoadFailed(f"openssl s_time: {(done.stderr or done.stdout).strip()[-200:]}")
        return parse_s_time(done.stdout, whole)

    return Case("full handshakes, one request each", closed, _probe, unit="handshake")


def _h2_case() -> Case:
    def probe(_context: Context, port: int) -> answers.Answer:
        done = subprocess.run(
            ["curl", "-sS", "-m", "10", "--http2-prior-knowledge", "-w", "\n%{http_code}", f"http://127.0.0.1:{port}{http.USER_PATH}"], capture_output=True
        )
        if done.returncode != 0:
            raise ConnectionError(done.stderr.decode().strip())
        body, _, status = done.stdout.rpartition(b"\n")
        return answers.Answer(status.decode(), body)

    def closed(_context: Context, port: int, seconds: float, rate: float):
        return loads.h2load(f"http://127.0.0.1:{port}{http.USER_PATH}", max(2000, int(rate * seconds)), connections=8, streams=32)

    def open_(context: Context, port: int, rate: float, seconds: float):
        return loads.openloop(context.program("openloop"), port, rate, seconds, connections=8, streams=32, path=http.USER_PATH)

    return Case("", closed, probe, open_)


def rows() -> List[Row]:
    gin_note, axum_note = "Gin 1.12 with the Prometheus middleware, no access log", "axum 0.8 with a Prometheus layer, no access log"
    goals = [Goal("ahead of nginx", 1.0, "nginx", strict=True)]
    return [
        Row(
            "http-h2",
            "the same GET over HTTP/2 in clear, 32 streams on each of 8 connections",
            [http.yun(), common.nginx("return-h2.conf", note="`return 200`, no access log"), common.built_peer("gin", note=gin_note), common.built_peer("axum", note=axum_note)],
            [_h2_case()],
            goals,
            route="/api/users/{id}",
            targets=["openloop", "bench_http"],
            peers=["gin", "axum"],
        ),
        Row(
            "http-tls",
            "the same GET under TLS 1.3 (P-256 certificate): 64 keep-alive connections; and a full handshake for each request",
            [_yun_tls(), common.nginx("return-tls.conf", note="`return 200`, no access log", certificate="certificate", key="key"), _tls_peer("gin", gin_note), _tls_peer("axum", axum_note)],
            [_keep_alive(), _handshakes()],
            goals,
            route="/api/users/{id}",
            targets=["openloop", "bench_http"],
            peers=["gin", "axum"],
            prepare=certificate,
        ),
    ]
