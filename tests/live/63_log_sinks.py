#!/usr/bin/python3
"""The gateway's log pushed to Loki and Fluentd. Neither is to be had here, so stand-ins by their documentation take it: Loki's push API, and the forward protocol
read by python3-msgpack, which breaks off, refuses and acknowledges late."""
import base64
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import msgpack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import BIN, finish, free_port, verdict  # noqa: E402


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return bool(holds())


class Loki(http.server.ThreadingHTTPServer):
    """Answers 503 as long as it is told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), LokiHandler)
        self.away, self.refused, self.lines, self.heads = 1, 0, [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class LokiHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        if server.away > 0:
            server.away -= 1
            server.refused += 1
            status = 503
        else:
            status = 204
            server.heads.append((self.path, dict((name.lower(), value) for name, value in self.headers.items())))
            for stream in json.loads(body)["streams"]:
                server.lines += [(stream["stream"], int(at), line) for at, line in stream["values"]]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Fluentd:
    """Takes one message and closes without an acknowledgement; then behaves."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.broken_off, self.messages = [], []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            self.take(connection)

    def take(self, connection):
        unpacker = msgpack.Unpacker(raw=False, ext_hook=lambda kind, data: (kind, int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")))
        with connection:
            while data := connection.recv(65536):
                unpacker.feed(data)
                for message in unpacker:
                    if not self.broken_off:
                        self.broken_off.append(message)
                        return
                    self.messages.append(message)
                    answer = msgpack.packb({"ack": message[2]["chunk"]})
                    connection.sendall(answer[:3])  # in pieces, as a network may
                    time.sleep(0.01)
                    connection.sendall(answer[3:])

    def records(self):
        return [record for message in self.messages for _, record in message[1]]


def main():
    folder = tempfile.mkdtemp(prefix="yun-sinks.")
    loki, fluentd = Loki(), Fluentd()
    routes = os.path.join(folder, "gateway.yaml")
    with open(routes, "w") as out:
        out.write(f'upstreams:\n  a: {{ to: "static://127.0.0.1:{free_port()}" }}\nroutes:\n  - {{ name: a, match: path(/a/*), to: a }}\n')
    port, admin, log = free_port(), free_port(), os.path.join(folder, "log")
    sinks = f"loki://me:secret@127.0.0.1:{loki.server_port}/?job=shop&tenant=one&linger=50ms,fluentd://127.0.0.1:{fluentd.port}/?tag=shop.gateway&linger=50ms"
    gateway = subprocess.Popen([os.path.join(BIN, "gateway"), "--routes", routes, "--data", folder, "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}",
                                "--log.output", log], env={**os.environ, "YUN_LOG__SINKS": sinks})

    def get(at, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", at, timeout=5)
            connection.request("GET", path)
            text = connection.getresponse().read().decode()
            connection.close()
            return text
        except OSError:
            return ""

    try:
        verdict("the gateway is up", until(lambda: get(port, "/health")))
        for i in range(50):
            get(port, f"/none/{i}")
        verdict("Loki has the lines, though it was away at first", until(lambda: sum("/none/" in line for _, _, line in loki.lines) == 50) and loki.refused == 1, len(loki.lines))
        verdict("Fluentd has them, though it broke off at first", until(lambda: sum("/none/" in str(one.get("path", one)) for one in fluentd.records()) == 50), fluentd.records()[:2])

        path, head = loki.heads[0]
        verdict("pushed where Loki takes them, as it asks for them", (path, head["content-type"], head["x-scope-orgid"]) == ("/loki/api/v1/push", "application/json", "one"), (path, head))
        verdict("with the credentials of the URL", head["authorization"] == "Basic " + base64.b64encode(b"me:secret").decode(), head)
        labels, at, line = loki.lines[0]
        verdict("the labels are the URL's, the service and the level", labels == {"service_name": "gateway", "job": "shop", "level": json.loads(line)["level"]}, labels)
        verdict("the time is the line's", abs(at / 1e9 - time.time()) < 120 and time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 10**9)) == json.loads(line)["ts"][:19], (at, line))

        first, again = fluentd.broken_off[0], fluentd.messages[0]
        verdict("what was not acknowledged comes again, whole", first[1] == again[1][:len(first[1])] and first[2] != again[2], (first[2], again[2]))
        tag, entries, option = again
        stamp, record = entries[0]
        verdict("a message is tag, entries and option", tag == "shop.gateway" and set(option) == {"chunk"} and len(base64.b64decode(option["chunk"])) == 16, (tag, option))
        verdict("an entry is an EventTime and the line's fields", stamp[0] == 0 and time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp[1])) == record["ts"][:19]
                and stamp[2] == int(record["ts"][20:26]) * 1000 and record["service"] == "gateway", (stamp, record))
        counted = get(admin, "/metrics")
        verdict("what was sent is counted", 'log_sink_lines_total{sink="loki://127.0.0.1",result="sent"}' in counted and 'log_sink_failures_total{sink="fluentd://127.0.0.1"} 1' in counted,
                [one for one in counted.splitlines() if one.startswith("log_sink")])

        gateway.send_signal(signal.SIGTERM)
        gateway.wait(20)
        with open(log) as file:
            written = file.read().splitlines()
        # Loki has a stream a level, each in the file's order; the times of lines of several threads need not rise from one to the next.
        streams = {level: [line for line in written if json.loads(line)["level"] == level] for level in {labels["level"] for labels, _, _ in loki.lines}}
        verdict("at the end both have every line of the file, in its order", len(loki.lines) == len(written)
                and all([line for labels, _, line in loki.lines if labels["level"] == level] == lines for level, lines in streams.items())
                and [json.dumps(one, sort_keys=True) for one in fluentd.records()] == [json.dumps(json.loads(one), sort_keys=True) for one in written],
                (len(loki.lines), len(fluentd.records()), len(written), written[-1]))
    finally:
        if gateway.poll() is None:
            gateway.kill()
            gateway.wait()
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
