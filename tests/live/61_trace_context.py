#!/usr/bin/python3
"""W3C Trace Context beside its neighbours: OpenTelemetry's Python SDK calls the gateway, which calls OpenTelemetry's Go SDK, which calls the gateway again,
which calls the Python SDK. The venv is made once, in the user's cache."""
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import BIN, TOP, finish, free_port, verdict  # noqa: E402

VERSION = "1.45.2"
HOME = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "yun", f"opentelemetry-python-{VERSION}")

try:
    from opentelemetry import trace
except ImportError:
    if os.environ.get("IN_VENV"):
        raise
    if not os.path.exists(os.path.join(HOME, "ready")):
        venv.create(HOME, with_pip=True, clear=True)
        subprocess.run([os.path.join(HOME, "bin/pip"), "install", "-q", "--disable-pip-version-check", f"opentelemetry-sdk=={VERSION}"], check=True)
        with open(os.path.join(HOME, "ready"), "w"):
            pass
    os.execve(os.path.join(HOME, "bin/python"), [os.path.join(HOME, "bin/python"), os.path.abspath(__file__)], os.environ | {"IN_VENV": "1"})

from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, ALWAYS_ON  # noqa: E402
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: E402

carried = TraceContextTextMapPropagator()
tracer = TracerProvider(sampler=ParentBased(ALWAYS_ON)).get_tracer("python")
silent = TracerProvider(sampler=ALWAYS_OFF).get_tracer("python")


def said(context, span):
    parent = trace.get_current_span(context).get_span_context()
    own = span.get_span_context()
    return {"trace_id": f"{own.trace_id:032x}", "parent_id": f"{parent.span_id:016x}", "span_id": f"{own.span_id:016x}",
            "sampled": own.trace_flags.sampled, "state": own.trace_state.to_header()}


class Neighbour(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        context = carried.extract(dict((k.lower(), v) for k, v in self.headers.items()))
        with tracer.start_as_current_span("neighbour", context=context) as span:
            body = json.dumps(said(context, span)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def wait_for(port, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"not ok - port {port} answers")


go_program = subprocess.run(["bash", "-c", f"source '{TOP}/tools/peers/peers'; peer oteltrace"], check=True, capture_output=True, text=True).stdout.strip()
python = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Neighbour)
threading.Thread(target=python.serve_forever, daemon=True).start()
folder = tempfile.mkdtemp()
ports = {"go": free_port(), "gateway": free_port()}
with open(os.path.join(folder, "gateway.yaml"), "w") as file:
    file.write(f"""upstreams:
  go: {{ to: "static://127.0.0.1:{ports['go']}" }}
  python: {{ to: "static://127.0.0.1:{python.server_port}" }}
routes:
  - {{ name: go, match: path(/go), to: go }}
  - {{ name: python, match: path(/python), to: python }}
""")
go = subprocess.Popen([go_program, str(ports["go"])])
gateway = subprocess.Popen([os.path.join(BIN, "gateway"), "--routes", os.path.join(folder, "gateway.yaml"), "--data", folder, "--listen", f"127.0.0.1:{ports['gateway']}",
                            "--admin", "127.0.0.1:0", "--log.output", os.path.join(folder, "log")])
there = f"http://127.0.0.1:{ports['gateway']}"


def ask(headers):
    request = urllib.request.Request(f"{there}/go?call={there}/python", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def through(by, state):
    """From a span of Python's SDK through Yun, Go, Yun to Python: the caller's context, and what Go and Python saw."""
    headers = {}
    with by.start_as_current_span("caller") as span:
        carried.inject(headers)
        if state:
            headers["tracestate"] = state
        own = span.get_span_context()
        return f"{own.trace_id:032x}", f"{own.span_id:016x}", (first := ask(headers)), first["answer"]


try:
    wait_for(ports["go"])
    wait_for(ports["gateway"])
    for words, by, sampled in (("a sampled trace", tracer, True), ("one that is not sampled", silent, False)):
        trace_id, span_id, first, second = through(by, "vendor=1,other@tenant=x-y")
        verdict(f"{words} is one trace through Python, Yun, Go, Yun and Python", first["trace_id"] == second["trace_id"] == trace_id, (trace_id, first))
        verdict(f"{words}: Yun's spans stand between theirs", len({span_id, first["parent_id"], first["span_id"], second["parent_id"]}) == 4
                and "0" * 16 not in (first["parent_id"], second["parent_id"]), (span_id, first))
        verdict(f"{words}: its decision goes along", (first["sampled"], second["sampled"]) == (sampled, sampled), first)
        verdict(f"{words}: so does its tracestate, in order", (first["state"], second["state"]) == ("vendor=1,other@tenant=x-y",) * 2, first)
    for words, bad in (("upper case", "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01"), ("no trace id", "00-" + "0" * 32 + "-b7ad6b7169203331-01"),
                       ("version ff", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")):
        got = ask({"traceparent": bad, "tracestate": "vendor=1"})
        verdict(f"a traceparent with {words} begins a new trace without its tracestate", got["trace_id"] == got["answer"]["trace_id"] != "0af7651916cd43dd8448eb211c80319c"
                and got["parent_id"] != "b7ad6b7169203331" and got["state"] == "", got)
    got = ask({"traceparent": "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later"})
    verdict("a version that is not there yet is read as far as it is known", got["trace_id"] == "0af7651916cd43dd8448eb211c80319c" and got["sampled"], got)
finally:
    gateway.terminate()
    go.kill()
    gateway.wait()
finish()
