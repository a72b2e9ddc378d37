"""The answer to the one request that a row times: status, head and body as they came, for the comparison before timing."""

import socket
import ssl
from dataclasses import dataclass, replace
from typing import Callable, List, Optional


@dataclass(frozen=True)
class Answer:
    status: str  # "200", or a gRPC code's name
    body: bytes
    head_bytes: int = 0

    def compared(self, end: bytes, same: Callable[[bytes], bytes]) -> "Answer":
        return replace(self, body=same(self.body.removesuffix(end)))


def _read_until(stream: socket.socket, have: bytes, mark: bytes) -> bytes:
    while mark not in have:
        piece = stream.recv(65536)
        if not piece:
            raise ConnectionError("the connection was closed within an answer")
        have += piece
    return have


def _read_size(stream: socket.socket, have: bytes, size: int) -> bytes:
    while len(have) < size:
        piece = stream.recv(1 << 20)
        if not piece:
            raise ConnectionError("the connection was closed within an answer")
        have += piece
    return have


def _chunked(stream: socket.socket, have: bytes) -> bytes:
    body = b""
    while True:
        have = _read_until(stream, have, b"\r\n")
        line, _, have = have.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        have = _read_size(stream, have, size + 2)
        body, have = body + have[:size], have[size + 2 :]
        if size == 0:
            return body


def http(port: int, path: str, *, method: str = "GET", body: bytes = b"", headers: Optional[List[str]] = None, tls: bool = False, timeout: float = 10) -> Answer:
    """One HTTP/1.1 request on a connection of its own, with the headers that a load generator sends."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(headers or []), *([f"Content-Length: {len(body)}"] if body else []), "", ""]
    plain = socket.create_connection(("127.0.0.1", port), timeout)
    try:
        stream = plain
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            stream = context.wrap_socket(plain)
        stream.sendall("\r\n".join(lines).encode() + body)
        have = _read_until(stream, b"", b"\r\n\r\n")
        head, _, rest = have.partition(b"\r\n\r\n")
        fields = {line.partition(b":")[0].strip().lower(): line.partition(b":")[2].strip() for line in head.split(b"\r\n")[1:]}
        if b"content-length" in fields:
            content = _read_size(stream, rest, int(fields[b"content-length"]))
        elif b"transfer-encoding" in fields:
            content = _chunked(stream, rest)
        else:
            content = rest
        return Answer(head.split(b" ")[1].decode(), content, len(head) + 4)
    finally:
        plain.close()


def grpc_unary(port: int, method: str, message: bytes, timeout: float = 10) -> Answer:
    import grpc  # Debian's python3-grpcio

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(method, request_serializer=None, response_deserializer=None)
        try:
            return Answer("OK", call(message, timeout=timeout))
        except grpc.RpcError as error:
            return Answer(error.code().name, error.details().encode())


def grpc_stream(port: int, method: str, messages: List[bytes], timeout: float = 10) -> Answer:
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.stream_stream(method, request_serializer=None, response_deserializer=None)
        try:
            return Answer("OK", b"|".join(call(iter(messages), timeout=timeout)))
        except grpc.RpcError as error:
            return Answer(error.code().name, error.details().encode())


def differences(answers: "dict[str, Answer]") -> List[str]:
    """What sets each server's answer apart from the first one's, byte by byte; empty when all are the same."""
    found = []
    first_name, first = next(iter(answers.items()))
    for name, answer in answers.items():
        if answer.status != first.status:
            found.append(f"{name} answers {answer.status}, {first_name} {first.status}")
        elif answer.body != first.body:
            at = next((i for i, (a, b) in enumerate(zip(answer.body, first.body)) if a != b), min(len(answer.body), len(first.body)))
            found.append(f"{name}'s body differs from {first_name}'s at byte {at}: {answer.body[at : at + 24]!r} against {first.body[at : at + 24]!r}")
    return found
