"""Stands for a server of ours in the tests of the bench: GET /users/{id}, an access log and /metrics, honest or not.

    bench_standin.py MODE --listen ADDRESS --admin ADDRESS --log.output FILE

Modes: honest; forgets-lines (each 50th line of the log is not written); miscounts (each 50th request is not in /metrics); other-bytes;
fails (each 50th request is 500); stalls (for a second, once, after 300 requests)."""

import http.server
import sys
import threading
import time

mode = sys.argv[1]
flags = dict(zip(sys.argv[2::2], sys.argv[3::2]))
lock = threading.Lock()
answered = {"200": 0, "500": 0}
seen = 0
stalled = threading.Event()
stalled.set()
log = open(flags["--log.output"], "a", buffering=1)


def stall():
    stalled.clear()
    threading.Timer(1, stalled.set).start()


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def give(self, status, body):
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    def log_message(self, *_):
        pass


class Users(Quiet):
    def do_GET(self):
        global seen
        with lock:
            seen += 1
            number = seen
        if mode == "stalls" and number == 300:
            stall()
        stalled.wait()
        odd = number % 50 == 0
        status = 500 if mode == "fails" and odd else 200
        with lock:
            if not (mode == "miscounts" and odd):
                answered[str(status)] += 1
            if not (mode == "forgets-lines" and odd):
                log.write('{"msg":"request","route":"/users/{id}"}\n')
        self.give(status, b'{"id":43}' if mode == "other-bytes" else b'{"id":42}')


class Admin(Quiet):
    def do_GET(self):
        with lock:
            lines = [f'http_requests_total{{method="GET",path="/users/{{id}}",status="{status}"}} {count}' for status, count in answered.items()]
        self.give(200, "\n".join(lines).encode() + b"\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def serve(flag, handler):
    host, _, port = flags[flag].rpartition(":")
    return Server((host, int(port)), handler)


admin = serve("--admin", Admin)
threading.Thread(target=admin.serve_forever, daemon=True).start()
serve("--listen", Users).serve_forever()
