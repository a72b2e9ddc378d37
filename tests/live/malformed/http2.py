"""Malformed HTTP/2 as frame sequences. Each carries a request whose body would have created a user had it been accepted.

cases(body) gives (name, bytes sent after the preface and an empty SETTINGS frame).
"""

import struct

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED = 1, 4, 8

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def length_of(number, bits):
    """HPACK's integer."""
    if number < (1 << bits) - 1:
        return bytes([number])
    out, rest = [(1 << bits) - 1], number - ((1 << bits) - 1)
    while rest >= 128:
        out.append(rest % 128 + 128)
        rest //= 128
    return bytes(out + [rest])


def block(fields):
    """Literal fields without indexing, no Huffman."""
    return b"".join(b"\x00" + length_of(len(k), 7) + k + length_of(len(v), 7) + v for k, v in fields)


def pseudo(method=b"POST", path=b"/api/users", scheme=b"http", authority=b"shop"):
    return [(b":method", method), (b":scheme", scheme), (b":path", path), (b":authority", authority)]


def cases(body):
    plain = [(b"content-type", b"application/json")]

    def send(fields, payload=body, stream=1):
        return frame(HEADERS, END_HEADERS, stream, block(fields)) + frame(DATA, END_STREAM, stream, payload)

    # Header tricks.
    yield "an upper-case header name", send(pseudo() + plain + [(b"X-A", b"b")])
    yield "a pseudo-header after a header", send(pseudo()[:3] + plain + pseudo()[3:])
    yield "an unknown pseudo-header", send(pseudo() + [(b":x", b"y")] + plain)
    yield "a response's pseudo-header", send(pseudo() + [(b":status", b"200")] + plain)
    yield "no :method", send(pseudo()[1:] + plain)
    yield "no :path", send([f for f in pseudo() if f[0] != b":path"] + plain)
    yield "no :scheme", send([f for f in pseudo() if f[0] != b":scheme"] + plain)
    yield "an empty :path", send(pseudo(path=b"") + plain)
    yield "two :path", send(pseudo() + [(b":path", b"/api/users")] + plain)
    yield "two :method", send([(b":method", b"GET")] + pseudo() + plain)
    yield ":authority and another host", send(pseudo() + plain + [(b"host", b"other")])
    yield "a connection header", send(pseudo() + plain + [(b"connection", b"keep-alive")])
    yield "transfer-encoding", send(pseudo() + plain + [(b"transfer-encoding", b"chunked")])
    yield "upgrade", send(pseudo() + plain + [(b"upgrade", b"h2c")])
    yield "te other than trailers", send(pseudo() + plain + [(b"te", b"gzip")])
    yield "a line end in a value", send(pseudo() + plain + [(b"x-a", b"b\r\nx-user-id: 1")])
    yield "a NUL in a value", send(pseudo() + plain + [(b"x-a", b"b\x00c")])
    yield "a colon in a name", send(pseudo() + plain + [(b"x:a", b"b")])
    yield "a space in a name", send(pseudo() + plain + [(b"x a", b"b")])
    yield "a space and a version in :path", send(pseudo(path=b"/api/users HTTP/1.1") + plain)
    yield "a line end in :path", send(pseudo(path=b"/api/users\r\nx: y") + plain)
    yield "a line end in :method", send(pseudo(method=b"POST / HTTP/1.1\r\nx: y\r\n") + plain)
    yield ":path with no leading slash", send(pseudo(path=b"api/users") + plain)
    yield "an encoded slash in :path", send(pseudo(path=b"/api%2fusers") + plain)
    yield "CONNECT", send(pseudo(method=b"CONNECT") + plain)
    yield "101 headers", send(pseudo() + plain + [(b"x-%d" % i, b"1") for i in range(101)])

    # Flow of the body.
    yield "content-length more than DATA", send(pseudo() + plain + [(b"content-length", b"%d" % (len(body) + 1))])
    yield "content-length less than DATA", send(pseudo() + plain + [(b"content-length", b"%d" % (len(body) - 1))])
    yield "two content-lengths", send(pseudo() + plain + [(b"content-length", b"%d" % len(body)), (b"content-length", b"1")])
    yield "a content-length of words", send(pseudo() + plain + [(b"content-length", b"some")])
    yield "a pseudo-header in the trailers", (frame(HEADERS, END_HEADERS, 1, block(pseudo() + plain)) + frame(DATA, 0, 1, body)
                                              + frame(HEADERS, END_HEADERS | END_STREAM, 1, block([(b":path", b"/api/users")])))
    yield "trailers that do not end the stream", (frame(HEADERS, END_HEADERS, 1, block(pseudo() + plain)) + frame(DATA, 0, 1, body)
                                                  + frame(HEADERS, END_HEADERS, 1, block([(b"x-a", b"b")])))

    # Frames.
    good = block(pseudo() + plain)
    yield "DATA on an idle stream", frame(DATA, END_STREAM, 1, body)
    yield "HEADERS on stream 0", frame(HEADERS, END_HEADERS, 0, good) + frame(DATA, END_STREAM, 0, body)
    yield "HEADERS on an even stream", send(pseudo() + plain, stream=2)
    yield "padding longer than the frame", frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + good[:20]) + frame(DATA, END_STREAM, 1, body)
    yield "another frame within a header block", frame(HEADERS, 0, 1, good[:10]) + frame(PING, 0, 0, b"12345678") + frame(CONTINUATION, END_HEADERS, 1, good[10:]) + frame(DATA, END_STREAM, 1, body)
    yield "CONTINUATION of nothing", frame(CONTINUATION, END_HEADERS, 1, good) + frame(DATA, END_STREAM, 1, body)
    yield "a flood of CONTINUATION", frame(HEADERS, 0, 1, good) + b"".join(frame(CONTINUATION, 0, 1, block([(b"x-a", b"b" * 200)])) for _ in range(3000))
    yield "a frame over the limit", frame(HEADERS, END_HEADERS, 1, good) + frame(DATA, END_STREAM, 1, body + b" " * 20000)
    yield "a window update of zero", frame(HEADERS, END_HEADERS, 1, good) + frame(WINDOW, 0, 1, struct.pack(">I", 0)) + frame(DATA, END_STREAM, 1, body)
    yield "a window past 2^31-1", frame(HEADERS, END_HEADERS, 1, good) + frame(WINDOW, 0, 0, struct.pack(">I", 0x7FFFFFFF)) + frame(DATA, END_STREAM, 1, body)
    yield "a SETTINGS frame of five bytes", frame(SETTINGS, 0, 0, b"12345") + send(pseudo() + plain)
    yield "a PING of seven bytes", frame(PING, 0, 0, b"1234567") + send(pseudo() + plain)
    yield "a client's PUSH_PROMISE", frame(PUSH, END_HEADERS, 1, struct.pack(">I", 2) + good) + send(pseudo() + plain, stream=3)
    yield "a header block that HPACK cannot read", frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff") + frame(DATA, END_STREAM, 1, body)
    yield "a stream that depends on itself", frame(PRIORITY, 0, 1, struct.pack(">IB", 1, 1)) + send(pseudo() + plain)
