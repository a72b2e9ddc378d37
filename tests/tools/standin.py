#!/usr/bin/python3
"""Stands for gateway, user and order in the tests of ./run: serves GET /health on both listeners and ends on SIGTERM."""
import http.server
import os
import signal
import sys
import threading

flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))


class Health(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{"status":"ok"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.path.startswith("/say/"):
            for _ in range(int(self.path[5:])):
                print("x" * 99, flush=True)

    def log_message(self, *_):
        pass


if os.environ.get("STANDIN_FAILS") == os.path.basename(sys.argv[0]):
    print('{"level":"error","msg":"cannot open the database"}', flush=True)
    sys.exit(3)
print("DB_HOST=" + os.environ.get("DB_HOST", "unset"), flush=True)
if "STANDIN_DIARY" in os.environ:
    with open(os.environ["STANDIN_DIARY"], "a") as diary:
        told = " ".join(f"{name}={os.environ.get(name, 'unset')}" for name in (
            "DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD_FILE", "DB_PASSWORD", "CONSUL_ADDR", "REDIS_ADDR", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"))
        diary.write(f"{os.path.basename(flags['--data'])} begins {told}\n")
for listener in (flags["--listen"], flags["--admin"]):
    host, port = listener.split(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def end(*_):
    print("drained", flush=True)
    if "STANDIN_DIARY" in os.environ:
        with open(os.environ["STANDIN_DIARY"], "a") as diary:
            diary.write(f"{os.path.basename(flags['--data'])} ends\n")
    os._exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    signal.pause()
