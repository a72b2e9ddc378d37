"""Malformed HTTP/1 requests as bytes. Each carries a body that would have created a user had the request been accepted.

cases(body) gives (name, bytes). `body` is that body; what makes a case malformed is its name.
"""

JSON = b"Content-Type: application/json\r\n"


def request(body, line=b"POST /api/users HTTP/1.1", host=b"Host: shop\r\n", extra=b"", length=None, end=b"\r\n"):
    if length is None:
        length = b"Content-Length: %d\r\n" % len(body)
    return line + b"\r\n" + host + JSON + length + extra + end + body


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def cases(body):
    n = len(body)
    te = b"Transfer-Encoding: chunked\r\n"

    def r(**more):
        return request(body, **more)

    def c(payload, head=te):
        return request(payload, length=head)

    # Smuggling: two ways to tell where the body ends.
    yield "content-length and transfer-encoding", request(chunked(body), length=b"Content-Length: %d\r\n" % n + te)
    yield "transfer-encoding and content-length", request(chunked(body), length=te + b"Content-Length: 4\r\n")
    yield "two different content-lengths", r(extra=b"Content-Length: %d\r\n" % (n + 1))
    yield "a list of content-lengths", r(length=b"Content-Length: %d, %d\r\n" % (n, n + 1))
    yield "a signed content-length", r(length=b"Content-Length: +%d\r\n" % n)
    yield "a negative content-length", r(length=b"Content-Length: -%d\r\n" % n)
    yield "a hexadecimal content-length", r(length=b"Content-Length: 0x%x\r\n" % n)
    yield "a content-length with a fraction", r(length=b"Content-Length: %d.0\r\n" % n)
    yield "a content-length past 64 bits", r(length=b"Content-Length: 18446744073709551%03d\r\n" % (616 + n))
    yield "an empty content-length", r(length=b"Content-Length: \r\n")
    yield "a content-length of words", r(length=b"Content-Length: some\r\n")
    yield "digits with a space between", r(length=b"Content-Length: %s\r\n" % b" ".join(b"%d" % n for n in divmod(n, 10)))
    yield "space before the colon", r(length=b"Content-Length : %d\r\n" % n)
    yield "transfer-encoding with space before the colon", c(chunked(body), b"Transfer-Encoding : chunked\r\n")
    yield "transfer-encoding xchunked", c(chunked(body), b"Transfer-Encoding: xchunked\r\n")
    yield "transfer-encoding identity", r(extra=b"Transfer-Encoding: identity\r\n")
    yield "transfer-encoding chunked, identity", c(chunked(body), b"Transfer-Encoding: chunked, identity\r\n")
    yield "transfer-encoding gzip, chunked", c(chunked(body), b"Transfer-Encoding: gzip, chunked\r\n")
    yield "transfer-encoding twice", c(chunked(body), te + te)
    yield "transfer-encoding chunked, chunked", c(chunked(body), b"Transfer-Encoding: chunked, chunked\r\n")
    yield "transfer-encoding in quotes", c(chunked(body), b'Transfer-Encoding: "chunked"\r\n')
    yield "transfer-encoding with a vertical tab", c(chunked(body), b"Transfer-Encoding: \x0bchunked\r\n")
    yield "transfer-encoding folded onto a second line", c(chunked(body), b"Transfer-Encoding:\r\n chunked\r\n")
    yield "transfer-encoding in HTTP/1.0", request(chunked(body), line=b"POST /api/users HTTP/1.0", length=te)
    yield "transfer-encoding with an empty value and a length", r(extra=b"Transfer-Encoding: \r\n")
    yield "a comma before chunked", c(chunked(body), b"Transfer-Encoding: , chunked;x=1\r\n")

    # Chunks.
    yield "a chunk size with a sign", c(b"+" + chunked(body))
    yield "a chunk size with 0x", c(b"0x" + chunked(body))
    yield "a chunk size of no digits", c(b"\r\n" + body + b"\r\n0\r\n\r\n")
    yield "a chunk size past 64 bits", c(b"1" + b"0" * 16 + chunked(body))
    yield "a chunk that goes on past its size", c(b"%x\r\n%sXX\r\n0\r\n\r\n" % (n, body))
    yield "a chunk ended by a bare LF", c(b"%x\n%s\r\n0\r\n\r\n" % (n, body))
    yield "a chunk's data ended by a bare LF", c(b"%x\r\n%s\n0\r\n\r\n" % (n, body))
    yield "a chunk size with a space in front", c(b" " + chunked(body))
    yield "a bare CR in a chunk extension", c(b"%x;a\rb\r\n%s\r\n0\r\n\r\n" % (n, body))
    yield "a chunk extension without end", c(b"%x;%s\r\n%s\r\n0\r\n\r\n" % (n, b"a" * 70000, body))
    yield "a trailer with a space before the colon", c(b"%x\r\n%s\r\n0\r\nX : y\r\n\r\n" % (n, body))

    # The head.
    yield "bare LF line ends", r().replace(b"\r\n", b"\n", 3)
    yield "a bare CR in a header", r(extra=b"X-A: b\rc\r\n")
    yield "a NUL in a header", r(extra=b"X-A: b\x00c\r\n")
    yield "a control character in a header", r(extra=b"X-A: b\x01c\r\n")
    yield "a DEL in a header", r(extra=b"X-A: b\x7fc\r\n")
    yield "a folded header", r(extra=b"X-A: b\r\n c\r\n")
    yield "a folded first header", r(host=b" Host: shop\r\n")
    yield "a header without a colon", r(extra=b"X-A\r\n")
    yield "a header without a name", r(extra=b": b\r\n")
    yield "a space in a header's name", r(extra=b"X A: b\r\n")
    yield "a non-ASCII header name", r(extra="X-\u00e4: b\r\n".encode())
    yield "brackets in a header's name", r(extra=b"X(A): b\r\n")
    yield "an underscore in a header's name", r(extra=b"X_User_Id: 1\r\n")
    yield "content_length with an underscore", r(extra=b"Content_Length: 1\r\n")
    yield "no Host", r(host=b"")
    yield "two Hosts", r(host=b"Host: shop\r\nHost: other\r\n")
    yield "a Host with a path", r(host=b"Host: shop/api\r\n")
    yield "a Host with userinfo", r(host=b"Host: a@shop\r\n")
    yield "a Host with a space", r(host=b"Host: shop other\r\n")
    yield "a Host with a port of words", r(host=b"Host: shop:http\r\n")
    yield "a head of 101 headers", r(extra=b"".join(b"X-%d: 1\r\n" % i for i in range(101)))
    yield "a header line of 9 KiB", r(extra=b"X-A: " + b"b" * 9300 + b"\r\n")
    yield "a head of 33 KiB", r(extra=b"".join(b"X-%d: %s\r\n" % (i, b"b" * 4000) for i in range(9)))
    yield "Connection names Content-Length with an unknown Expect", r(extra=b"Expect: 200-ok\r\n")

    # The request line.
    yield "no version", r(line=b"POST /api/users")
    yield "HTTP/0.9", r(line=b"POST /api/users HTTP/0.9")
    yield "HTTP/1.2 as HTTP/1.10", r(line=b"POST /api/users HTTP/1.10")
    yield "HTTP/2.0 on a line", r(line=b"POST /api/users HTTP/2.0")
    yield "a version in lower case", r(line=b"POST /api/users http/1.1")
    yield "two spaces before the path", r(line=b"POST  /api/users HTTP/1.1")
    yield "a tab before the path", r(line=b"POST\t/api/users HTTP/1.1")
    yield "a space at the line's end", r(line=b"POST /api/users HTTP/1.1 ")
    yield "a space before the method", r(line=b" POST /api/users HTTP/1.1")
    yield "a method in lower case", r(line=b"post /api/users HTTP/1.1")
    yield "a method with a bracket", r(line=b"PO(ST /api/users HTTP/1.1")
    yield "CONNECT", r(line=b"CONNECT /api/users HTTP/1.1")
    yield "CONNECT to a host", r(line=b"CONNECT shop:443 HTTP/1.1")
    yield "an absolute path to another host", r(line=b"POST http://other/api/users HTTP/1.1")
    yield "a path that does not begin with /", r(line=b"POST api/users HTTP/1.1")
    yield "a star as path", r(line=b"POST * HTTP/1.1")
    yield "a fragment in the path", r(line=b"POST /api/users#x HTTP/1.1")
    yield "a NUL in the path", r(line=b"POST /api/users\x00 HTTP/1.1")
    yield "a raw non-ASCII byte in the path", r(line=b"POST /api/users\xff HTTP/1.1")
    yield "an encoded NUL", r(line=b"POST /api/users%00 HTTP/1.1")
    yield "an encoded slash", r(line=b"POST /api%2Fusers HTTP/1.1")
    yield "an encoded backslash", r(line=b"POST /api%5Cusers HTTP/1.1")
    yield "a raw backslash", r(line=b"POST /api\\users HTTP/1.1")
    yield "a broken escape", r(line=b"POST /api/users%2 HTTP/1.1")
    yield "an escape of no digits", r(line=b"POST /api/users%zz HTTP/1.1")
    yield "a way out of the root", r(line=b"POST /../../api/users HTTP/1.1")
    yield "an encoded way out of the root", r(line=b"POST /%2e%2e/%2e%2e/api/users HTTP/1.1")
    yield "a path of 9 KiB", r(line=b"POST /api/users?" + b"a" * 9300 + b" HTTP/1.1")

    # What must not be opened to the world, whatever comes with it.
    yield "metrics", r(line=b"POST /metrics HTTP/1.1")
    yield "debug", r(line=b"POST /debug/pprof HTTP/1.1")
    yield "the gRPC method itself", r(line=b"POST /shop.v1.UserService/CreateUser HTTP/1.1")
    yield "an upgrade to h2c", r(line=b"POST /metrics HTTP/1.1", extra=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")
    yield "a body over the limit", request(body + b" " * (2 << 20))
