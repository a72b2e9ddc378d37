#!/usr/bin/python3
"""The gateway and its file: a new one is in force at once and by itself, a bad or half one is not, SIGHUP asks, `gateway check` says the same."""
import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import BIN, finish, verdict  # noqa: E402

GATEWAY = os.path.join(BIN, "gateway")
MANY = 5000


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Gateway:
    """On a folder of its own, with one upstream."""

    def __init__(self, folder):
        self.upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=self.upstream.serve_forever, daemon=True).start()
        self.file, self.log = os.path.join(folder, "gateway.yaml"), os.path.join(folder, "log")
        self.replace(self.text(0))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([GATEWAY, "--routes", self.file, "--data", folder, "--listen", f"127.0.0.1:{self.port}",
                                         "--admin", "127.0.0.1:0", "--log.output", self.log])
        self.until(lambda: self.get("/marker-0") == 200)

    def text(self, marker, routes=MANY, more=""):
        lines = [f'upstreams:\n  a: {{ to: "static://127.0.0.1:{self.upstream.server_port}" }}\nroutes:']
        lines += [f'  - {{ name: r{i}, match: "path(/shop-{i % 71}/area-{i}/{{id}}) && method(GET)", to: a }}' for i in range(routes)]
        lines.append(f"  - {{ name: marker, match: path(/marker-{marker}), to: a }}")
        return "\n".join(lines) + "\n" + more

    def replace(self, text):
        with open(self.file + ".new", "w") as file:
            file.write(text)
        os.replace(self.file + ".new", self.file)

    def get(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status
        except OSError:
            return 0

    def lines(self, message):
        with open(self.log) as file:
            return [line for line in map(json.loads, file) if line["msg"] == message]

    @staticmethod
    def until(holds, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.002)
        return False

    def rss_mib(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def check(path):
    return subprocess.run([GATEWAY, "check", path], capture_output=True, text=True, check=False)


def files(gateway):
    applied, refused = "configuration applied", "configuration refused; the old one stays"
    gateway.replace(gateway.text(1))
    verdict("a file that was replaced is in force by itself", gateway.until(lambda: gateway.get("/marker-1") == 200))
    verdict("of 5,000 routes one was read", gateway.lines(applied)[-1].get("routes_read") == 1, gateway.lines(applied)[-1])

    bad = gateway.text(2, more="  - { name: r7, match: path(/x), to: b }\n")
    gateway.replace(bad)
    verdict("a bad one is refused", gateway.until(lambda: len(gateway.lines(refused)) == 1))
    said = check(gateway.file)
    told = gateway.lines(refused)[-1]["error"]
    verdict("in the words of gateway check, with their places", said.returncode == 1 and said.stderr.strip() == told
            and told.startswith(f"gateway.yaml:{len(bad.splitlines())}:"), (said.stderr, told))
    verdict("and the old one stays", (gateway.get("/marker-1"), gateway.get("/marker-2")) == (200, 404))
    os.kill(gateway.process.pid, signal.SIGHUP)
    verdict("SIGHUP has it read and refused again", gateway.until(lambda: len(gateway.lines(refused)) == 2))

    gateway.replace("")
    verdict("an empty file is refused", gateway.until(lambda: len(gateway.lines(refused)) == 3) and gateway.get("/marker-1") == 200)

    whole = gateway.text(3)
    with open(gateway.file, "w") as file:
        file.write(whole[:whole.index("  - { name: r2000")])  # good by itself
        file.flush()
        os.kill(gateway.process.pid, signal.SIGHUP)
        time.sleep(0.5)
        verdict("a file that is half written is not taken, good as it may be, though SIGHUP asks",
                len(gateway.lines(applied)) == 1 and gateway.get("/shop-3/area-4973/1") == 200, gateway.lines(applied)[-1])
        file.write(whole[whole.index("  - { name: r2000"):])
    verdict("once it is written it is", gateway.until(lambda: gateway.get("/marker-3") == 200) and gateway.get("/shop-3/area-4973/1") == 200)

    os.kill(gateway.process.pid, signal.SIGHUP)
    verdict("SIGHUP on the same file says so", gateway.until(lambda: len(gateway.lines("configuration unchanged")) == 1))
    verdict("gateway check counts", check(gateway.file).stdout == f"{gateway.file}: {MANY + 1} routes, 1 upstreams\n", check(gateway.file).stdout)


def memory(gateway):
    rss = []
    for marker in range(10, 110):
        gateway.replace(gateway.text(marker))
        if not gateway.until(lambda m=marker: gateway.get(f"/marker-{m}") == 200):
            verdict(f"change {marker} is in force", False)
            return
        rss.append(gateway.rss_mib())
    verdict(f"RSS with {MANY} routes over 100 changes: {rss[0]:.1f} .. {max(rss):.1f} MiB, at most 40", max(rss) <= 40, rss)
    verdict("and no more after the last fifty than after the first", max(rss[50:]) <= max(rss[:50]) + 1, (max(rss[:50]), max(rss[50:])))


def main():
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(folder)
        try:
            files(gateway)
            memory(gateway)
        finally:
            gateway.process.terminate()
            verdict("SIGTERM ends it with 0", gateway.process.wait(20) == 0)
            gateway.upstream.shutdown()
    finish()


main()
