#!/usr/bin/python3
"""Stands for tools/peers/serve in the tests of ./run --full: says on its port what ./run asks each server for, and ends on SIGTERM. NAME PORT DIR"""
import os
import signal
import socketserver
import sys
import threading

name, port, folder = sys.argv[1:4]
WORDS = {
    "mariadb": b"J\0\0\0\n10.11-standin\0",
    "redis": b"+PONG\r\n",
    "consul": b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n' + os.environ.get("STANDIN_PASSING", "").encode() + b'"127.0.0.1:8300"',
}


class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        if name != "mariadb":  # which greets unasked
            self.request.recv(1000)
        self.request.sendall(WORDS.get(name, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}"))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def say(line):
    with open(os.environ["STANDIN_DIARY"], "a") as diary:
        diary.write(line + "\n")


if os.environ.get("STANDIN_FAILS") == name:
    print("cannot read the old tables", flush=True)
    sys.exit(3)
server = Server(("127.0.0.1", int(port)), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
say(f"{name} begins")
if name == "mariadb":
    with open(os.environ["SERVE_PASSWORD_FILE"]) as secret:
        say(f"{os.environ['SERVE_USER']} owns {os.environ['SERVE_DATABASE']} by {len(secret.read())} letters")
signal.signal(signal.SIGTERM, lambda *_: (say(f"{name} ends"), os._exit(0)))
while True:
    signal.pause()
