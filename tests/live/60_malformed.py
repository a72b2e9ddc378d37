#!/usr/bin/python3
"""The malformed corpus against the gateway: each request is refused and no upstream ever sees one.

Refused is: an answer of 4xx, 501 or 505, RST_STREAM, GOAWAY, or a closed connection; no 2xx anywhere. The upstreams' own counters must not move."""
import os
import re
import socket
import struct
import sys
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "malformed"), os.path.dirname(here)]
import http1  # noqa: E402
import http2  # noqa: E402
from shop import Shop, finish, verdict  # noqa: E402


def exchange(port, data, quiet=4.0):
    """Sends all and reads until the peer closes or is quiet. True as second when it closed."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        try:
            sock.sendall(data)
        except OSError:
            pass
        sock.settimeout(quiet)
        while True:
            try:
                piece = sock.recv(65536)
            except TimeoutError:
                return got, False
            except OSError:
                return got, True
            if not piece:
                return got, True
            got += piece
            if answered(data, got):
                sock.settimeout(0.2)  # only to see whether more comes


def answered(sent, got):
    if sent.startswith(http2.PREFACE):
        return any(kind in (http2.HEADERS, http2.RST, http2.GOAWAY) for kind, *_ in frames(got))
    return re.search(rb"HTTP/1\.[01] [2-5]", got) and got.endswith((b"}", b"\r\n\r\n"))


def frames(data):
    while len(data) >= 9:
        size = struct.unpack(">I", b"\0" + data[:3])[0]
        yield data[3], data[4], struct.unpack(">I", data[5:9])[0] & 0x7FFFFFFF, data[9:9 + size]
        data = data[9 + size:]


STATIC_STATUS = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}


def h2_status(payload):
    """The first field of an answer's header block: indexed, or a literal whose name is indexed (8..14)."""
    if payload and payload[0] in STATIC_STATUS:
        return STATIC_STATUS[payload[0]]
    for mask, bits in ((0x40, 6), (0x10, 4), (0x00, 4)):
        if payload and payload[0] & 0xF0 in (mask, mask | 0x00) and (payload[0] & ((1 << bits) - 1)) in range(8, 15):
            size = payload[1] & 0x7F
            raw = payload[2:2 + size]
            return int(raw) if raw.isdigit() else huffman_digits(raw)
    return repr(payload[:12])


def huffman_digits(raw):
    codes = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6", "011101": "7", "011110": "8", "011111": "9"}
    bits, out = "".join(f"{b:08b}" for b in raw), ""
    while len(out) < 3:
        for code, digit in codes.items():
            if bits.startswith(code):
                out, bits = out + digit, bits[len(code):]
                break
        else:
            return repr(raw)
    return int(out)


def seen_upstream(base):
    """Requests that user and order have counted, but for what the gateway asks on its own behalf."""
    total = 0
    for admin in (base + 11, base + 12):
        text = urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=5).read().decode()
        for line in text.splitlines():
            if re.match(r"(http_requests_total|rpc_server_requests_total)\{", line) and not re.search(r"/health|jwks|Health|Reflection", line):
                total += float(line.rsplit(" ", 1)[1])
    return total


def body_for(name):
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())
    return b'{"name":"Eve","email":"%s@malformed.example","password":"correct horse battery"}' % slug.encode()[:50]


def refused_http1(data, closed):
    statuses = [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3})", data)]
    if any(200 <= s < 400 for s in statuses):
        return False
    return (statuses and all(400 <= s < 500 or s in (501, 505) for s in statuses)) or (not statuses and closed)


def refused_http2(data, closed):
    reset = False
    for kind, _, stream, payload in frames(data):
        if kind == http2.HEADERS and stream:
            status = h2_status(payload)
            if not isinstance(status, int) or not (400 <= status < 500 or status in (501, 505)):
                return False
            reset = True
        if kind in (http2.RST, http2.GOAWAY):
            reset = True
    return reset or closed


def main():
    with Shop() as shop:
        shop.new_user("first@example.com")
        walk(shop.base)
    finish()


def walk(base):
    good = body_for("a good one")
    data, _ = exchange(base, http1.request(good), quiet=20)
    verdict("the same request, well formed, succeeds", b"HTTP/1.1 201" in data, repr(data))
    opening = http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0)
    data, _ = exchange(base, opening + http2.frame(
        http2.HEADERS, http2.END_HEADERS, 1, http2.block(http2.pseudo() + [(b"content-type", b"application/json")]))
        + http2.frame(http2.DATA, http2.END_STREAM, 1, body_for("another good one")), quiet=20)
    verdict("and over HTTP/2", any(k == http2.HEADERS and h2_status(p) == 201 for k, _, _, p in frames(data)), repr(data))
    before, counts = seen_upstream(base), {}
    for kind, cases, first, refused in (("http/1", http1.cases, b"", refused_http1), ("http/2", http2.cases, opening, refused_http2)):
        for name, _ in cases(b"-" * 100):
            answer, closed = exchange(base, first + dict(cases(body_for(name)))[name])
            now = seen_upstream(base)
            verdict(f"{kind}: {name}", refused(answer, closed) and now == before,
                    ("an upstream saw it; " if now != before else "") + f"closed={closed} answer={answer!r}")
            before = now
            counts[kind] = counts.get(kind, 0) + 1
    verdict(f"at least 60 HTTP/1 and 20 HTTP/2 cases: {counts}", counts["http/1"] >= 60 and counts["http/2"] >= 20)
    data, _ = exchange(base, http1.request(body_for("a last good one")), quiet=20)
    verdict("the gateway serves on", b"HTTP/1.1 201" in data, repr(data))


main()
