#!/usr/bin/python3
"""WebSockets against examples/streaming with clients that are not ours: wsproto over HTTP/1.1, and hyper-h2 with wsproto over HTTP/2 (RFC 8441)."""
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

import h2.config
import h2.connection
import h2.events
import h2.settings
import wsproto
import wsproto.connection
import wsproto.events as ws

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from shop import BIN, finish, verdict  # noqa: E402


class Http2:
    """One connection; streams' events are kept until someone asks."""

    def __init__(self, port, tls=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
            assert self.sock.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()
        self.status, self.headers, self.data, self.ended, self.reset = {}, {}, {}, set(), {}
        while not self.h2.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL) and not self.status:
            self.read()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def read(self):
        received = self.sock.recv(65536)
        if not received:
            raise EOFError("the server closed the connection")
        for event in self.h2.receive_data(received):
            stream = getattr(event, "stream_id", 0)
            if isinstance(event, h2.events.ResponseReceived):
                self.headers[stream] = dict(event.headers)
                self.status[stream] = int(self.headers[stream][":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.data[stream] = self.data.get(stream, b"") + event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(stream)
            elif isinstance(event, h2.events.StreamReset):
                self.reset[stream] = event.error_code
        self.flush()

    def request(self, headers, end=False):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers, end_stream=end)
        self.flush()
        while stream not in self.status and stream not in self.reset:
            self.read()
        return stream

    def send(self, stream, data):
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            if room > 0:
                self.h2.send_data(stream, data[:room])
                data = data[room:]
                self.flush()
            else:
                self.read()


def connect_fields(path="/echo", protocol="websocket", more=()):
    return [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":path", path), (":authority", "localhost"),
            ("sec-websocket-version", "13"), *more]


class Stream:
    """A WebSocket on one stream of an Http2."""

    def __init__(self, http, **fields):
        self.http = http
        self.id = http.request(connect_fields(**fields))
        self.ws = wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)

    def send(self, event):
        self.http.send(self.id, self.ws.send(event))

    def events(self):
        """The next ones; [] at the end of the stream."""
        while not self.http.data.get(self.id):
            if self.id in self.http.ended or self.id in self.http.reset:
                return []
            self.http.read()
        self.ws.receive_data(self.http.data.pop(self.id))
        return list(self.ws.events())

    def until(self, kind):
        """The data of all up to a whole message or other event of that kind."""
        whole = None
        while True:
            events = self.events()
            if not events:
                raise EOFError(f"the stream ended before a {kind.__name__}")
            for event in events:
                if isinstance(event, kind):
                    if not hasattr(event, "message_finished"):
                        return event
                    whole = event.data if whole is None else whole + event.data
                    if event.message_finished:
                        return whole


def over_http1(port):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        sock.sendall(client.send(ws.Request(host="localhost", target="/echo")))
        got = []
        while not any(isinstance(e, (ws.TextMessage, ws.RejectConnection)) for e in got):
            if any(isinstance(e, ws.AcceptConnection) for e in got) and len(got) == 1:
                sock.sendall(client.send(ws.TextMessage("hello")))
            client.receive_data(sock.recv(65536))
            got += client.events()
        return got[-1].data == "hello"


def attempt(words, action):
    try:
        said = action()
    except Exception as error:  # noqa: BLE001: the next one is to run
        verdict(words, False, f"{type(error).__name__}: {error}")
    else:
        verdict(words, said is True, said)


def over_http2(name, open_connection):
    http = open_connection()
    verdict(f"{name}: the server says that it takes extended CONNECT", http.h2.remote_settings[h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL] == 1)
    one = Stream(http)
    verdict(f"{name}: a websocket begins with 200", http.status[one.id] == 200, http.headers.get(one.id))

    def text():
        one.send(ws.TextMessage("hello, 云"))
        return one.until(ws.TextMessage) == "hello, 云"
    attempt(f"{name}: text comes back", text)

    def beside():
        two = Stream(http)
        two.send(ws.BytesMessage(b"two"))
        plain = http.request([(":method", "GET"), (":scheme", "http"), (":path", "/health"), (":authority", "localhost")], end=True)
        one.send(ws.BytesMessage(b"one"))
        return [http.status[plain], bytes(one.until(ws.BytesMessage)), bytes(two.until(ws.BytesMessage))] == [200, b"one", b"two"]
    attempt(f"{name}: two of them and a plain request share the connection", beside)

    def large():
        sent = os.urandom(900_000)
        one.send(ws.BytesMessage(sent))
        return bytes(one.until(ws.BytesMessage)) == sent
    attempt(f"{name}: 900 kB, more than any window", large)

    def ping():
        one.send(ws.Ping(b"are you there"))
        return bytes(one.until(ws.Pong).payload) == b"are you there"
    attempt(f"{name}: a ping is answered", ping)

    def goodbye():
        one.send(ws.CloseConnection(code=1000, reason="bye"))
        code = one.until(ws.CloseConnection).code
        while one.id not in http.ended:
            http.read()
        return (code, http.reset.get(one.id)) == (1000, None)
    attempt(f"{name}: a close is answered and the stream ends", goodbye)

    def broken():
        bad = Stream(http)
        http.send(bad.id, b"\x81\x05hello")  # a client's frames must be masked
        return bad.until(ws.CloseConnection).code == 1002
    attempt(f"{name}: who breaks the protocol is told", broken)

    def reset():
        gone = Stream(http)
        http.h2.reset_stream(gone.id)
        http.flush()
        again = Stream(http)
        again.send(ws.TextMessage("still here"))
        return again.until(ws.TextMessage) == "still here"
    attempt(f"{name}: a reset stream harms no other", reset)


def refusals(open_connection):
    def status(fields):
        http = open_connection()
        stream = http.request(fields)
        return http.status.get(stream, f"reset {http.reset.get(stream)}")

    cases = [("a path that is no websocket is never 2xx", connect_fields(path="/health"), 501),
             ("an unknown path is 404", connect_fields(path="/nothing"), 404),
             ("another protocol is refused", connect_fields(protocol="connect-udp"), 501),
             ("a foreign origin is refused", connect_fields(more=[("origin", "https://evil.example")]), 403),
             ("another version is refused", [(n, "8" if n == "sec-websocket-version" else v) for n, v in connect_fields()], 426)]
    for words, fields, wanted in cases:
        attempt(words, lambda fields=fields, wanted=wanted: (lambda got: got == wanted or got)(status(fields)))


def free_ports():
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def trusting():
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


class Example:
    def __init__(self, log, *flags):
        self.port, admin = free_ports()
        self.process = subprocess.Popen([os.path.join(BIN, "examples/streaming"), "--listen", f"127.0.0.1:{self.port}", "--admin", f"127.0.0.1:{admin}", *flags],
                                        stdout=log, stderr=subprocess.STDOUT)
        url = f"{'https' if flags else 'http'}://127.0.0.1:{self.port}/health"
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=2, context=trusting()).close()
                return
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        raise SystemExit("not ok - streaming is ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def main():
    with tempfile.TemporaryDirectory() as scratch, open(os.path.join(scratch, "log"), "w") as log:
        with Example(log) as example:
            attempt("HTTP/1.1: text comes back", lambda: over_http1(example.port))
            over_http2("h2c", lambda: Http2(example.port))
            refusals(lambda: Http2(example.port))
        key, certificate = os.path.join(scratch, "key.pem"), os.path.join(scratch, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        tls = trusting()
        tls.set_alpn_protocols(["h2"])
        with Example(log, "--tls.certificate", certificate, "--tls.key", key) as example:
            over_http2("TLS", lambda: Http2(example.port, tls))
    finish()


main()
