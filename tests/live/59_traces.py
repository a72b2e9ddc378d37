#!/usr/bin/python3
"""One order is one trace in a real Jaeger: gateway -> order -> user -> SQL and Redis, with OpenTelemetry's names; and what happens when Jaeger is away."""
import json
import os
import re
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

os.environ |= {"SHOP_DB": "mariadb", "SHOP_CACHE": "redis"}
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import Server, Shop, eventually, finish, verdict  # noqa: E402


class Jaeger(Server):
    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return json.load(answer)["data"] or []

    def trace(self, trace_id, complete, seconds=15):
        """Its spans, once `complete(spans)` says that all are there; what there is when the time is over."""
        until, spans = time.monotonic() + seconds, []
        while time.monotonic() < until:
            try:
                spans = [Span(one, trace) for trace in self.get(f"/api/traces/{trace_id}") for one in trace["spans"]]
            except (OSError, urllib.error.HTTPError):
                spans = []
            if complete(spans):
                break
            time.sleep(0.2)
        return spans

    def traces_of(self, service, tags=None):
        query = {"service": service, "limit": 200} | ({"tags": json.dumps(tags)} if tags else {})
        return self.get("/api/traces?" + urllib.parse.urlencode(query))


class Span:
    def __init__(self, one, trace):
        self.id, self.name, self.duration = one["spanID"], one["operationName"], one["duration"]
        self.parent = next((r["spanID"] for r in one["references"] if r["refType"] == "CHILD_OF"), None)
        process = trace["processes"][one["processID"]]
        self.service = process["serviceName"]
        self.resource = {tag["key"]: tag["value"] for tag in process["tags"]}
        self.tags = {tag["key"]: tag["value"] for tag in one["tags"]}
        self.kind = self.tags.get("span.kind")

    def __repr__(self):
        return f"\n      {self.service}: {self.name} {self.kind} {self.id} < {self.parent} {self.tags}"


def line(spans, *wanted):
    """The spans from the root down that have these (service, kind, name) and are each other's descendants; [] if there is no such line."""
    by_id = {span.id: span for span in spans}

    def is_below(span, above):
        while span is not None:
            if span is above:
                return True
            span = by_id.get(span.parent)
        return False

    found = []
    for service, kind, name in wanted:
        fits = [s for s in spans if (s.service, s.kind) == (service, kind) and re.fullmatch(name, s.name) and (not found or is_below(s, found[-1]))]
        if not fits:
            return []
        found.append(fits[0])
    return found


def run(jaeger, protocol, port):
    environment = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{port}" + ("/v1/traces" if protocol == "http/protobuf" else ""),
                   "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_BSP_SCHEDULE_DELAY": "200",
                   "OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_RESOURCE_ATTRIBUTES": "service.version=9.8.7,deployment.environment.name=test"}
    with Shop(environment=environment) as shop:
        _, ada = shop.new_user("ada@example.com")
        plenty = max(shop.products(), key=lambda p: p["stock"])
        order = {"items": [{"product_id": plenty["id"], "quantity": 1}]}
        trace_id = os.urandom(16).hex()
        placed = shop.call("POST", "/api/orders", order, ada, "first-" + protocol, headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01", "tracestate": "test=1"})
        verdict(f"{protocol}: an order is placed", placed.status == 201, placed)
        gateway, orders, users = ("gateway", "order", "user")
        ways = {
            "the order reaches the database": ((gateway, "server", "POST /api/orders"), (gateway, "client", "POST"), (orders, "server", "POST /api/orders"),
                                              (orders, "client", "TRANSACTION")),
            "the order asks the user service": ((gateway, "server", "POST /api/orders"), (orders, "server", "POST /api/orders"),
                                               (orders, "client", r"shop\.v1\.UserService/.*"), (users, "server", r"shop\.v1\.UserService/.*")),
            "the user service asks Redis or its database": ((gateway, "server", ".*"), (orders, "server", ".*"), (users, "server", ".*"), (users, "client", "GET|SET|PIPELINE|SELECT users")),
        }
        spans = jaeger.trace(trace_id, lambda spans: all(line(spans, *way) for way in ways.values()))
        for words, way in ways.items():
            verdict(f"{protocol}: {words}, in one trace", line(spans, *way), spans)
        roots = [s for s in spans if s.parent in (None, "00f067aa0ba902b7")]
        verdict("one span is below the caller's, and it is the gateway's", [s.service for s in roots] == ["gateway"], roots)
        ids = {s.id for s in spans}
        verdict("every other has its parent in the trace", all(s.parent in ids for s in spans if s not in roots), spans)
        verdict("three services take part, each by its name and version", {(s.service, s.resource.get("service.version")) for s in spans}
                == {(one, "9.8.7") for one in (gateway, orders, users)}, {(s.service, str(s.resource)) for s in spans})
        verdict("and as one instance each", len({s.resource.get("service.instance.id") for s in spans}) == 3)

        def has(span, **tags):
            return all(span.tags.get(key.replace("__", ".")) == value for key, value in tags.items())

        first = roots[0] if roots else None
        verdict("the server's span says what HTTP's conventions ask", first and has(first, http__request__method="POST", http__route="/api/orders", http__response__status_code=201,
                                                                                    url__path="/api/orders", url__scheme="http", server__address="127.0.0.1", server__port=shop.base), first)
        calls = [s for s in spans if s.service == orders and s.name.startswith("shop.v1.UserService/")]
        verdict("the gRPC call's span says what RPC's conventions ask", calls and has(calls[0], rpc__system="grpc", rpc__service="shop.v1.UserService", rpc__method=calls[0].name.split("/")[1],
                                                                                      rpc__grpc__status_code=0), calls)
        sql = [s for s in spans if s.kind == "client" and s.tags.get("db.system.name") == "mysql"]
        verdict("the database's spans name system, operation, database and server", len(sql) >= 2 and all(
            {"db.operation.name", "db.namespace", "server.address", "server.port"} <= set(s.tags) for s in sql), sql)
        texts = [s.tags["db.query.text"] for s in spans if "db.query.text" in s.tags]
        verdict("a query's text has marks where values were", any("?" in text for text in texts) and not any("ada@example.com" in text for text in texts), texts)
        redis = [s for s in spans if s.tags.get("db.system.name") == "redis"]
        verdict("Redis's spans are there", redis and all("db.operation.name" in s.tags for s in redis), spans)

        bad = shop.call("GET", "/api/orders/nothing-there", token=ada, headers={"traceparent": f"00-{os.urandom(16).hex()}-00f067aa0ba902b7-01"})
        verdict("an order that is not there is 404", bad.status == 404, bad)

        if protocol != "http/protobuf":
            return
        exported = shop.metric("gateway", 'telemetry_exported_total{signal="traces"}')
        verdict("what was exported is counted", exported > 0, exported)
        jaeger.signal(signal.SIGKILL)
        begun, slowest = time.monotonic(), 0
        for number in range(300):
            answer = shop.call("POST", "/api/orders", order, ada, f"away-{number}")
            slowest = max(slowest, answer.seconds)
            if not verdict_once("orders go on while Jaeger is dead", answer.status == 201, answer):
                break
        verdict(f"and none waits for it (slowest {slowest * 1000:.0f} ms of 300 in {time.monotonic() - begun:.1f} s)", slowest < 2, slowest)
        verdict("failed tries are counted", eventually(lambda: shop.metric("gateway", 'telemetry_export_failures_total{signal="traces"}') > 0))
        complaints = shop.log("gateway").count("telemetry is not delivered")
        verdict("and the log says so once", complaints == 1, complaints)
        jaeger.start()
        trace_id = os.urandom(16).hex()
        shop.call("POST", "/api/orders", order, ada, "back", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"})
        way = ways["the order asks the user service"]
        verdict("Jaeger is back, and so are the traces", line(jaeger.trace(trace_id, lambda spans: line(spans, *way), 40), *way))


said = set()


def verdict_once(words, well, detail):
    if not well or words not in said:
        verdict(words, well, detail)
    said.add(words)
    return well


def tails(jaeger):
    """With a sampler that takes nothing: what failed is there all the same, and nothing else."""
    environment = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{jaeger.port + 2}/v1/traces", "OTEL_BSP_SCHEDULE_DELAY": "200",
                   "OTEL_TRACES_SAMPLER": "always_off"}
    with Shop(environment=environment) as shop:
        _, ada = shop.new_user("eve@example.com")
        good, bad = os.urandom(16).hex(), os.urandom(16).hex()
        answer = shop.call("GET", "/api/orders", token=ada, headers={"traceparent": f"00-{good}-00f067aa0ba902b7-00"})
        verdict("a request is answered", answer.status == 200, answer)
        shop.stop("order")
        answer = shop.call("GET", "/api/orders", token=ada, headers={"traceparent": f"00-{bad}-00f067aa0ba902b7-00"})
        verdict("the order service is away: 5xx", answer.status >= 500, answer)
        spans = jaeger.trace(bad, lambda spans: spans)
        verdict("a request that failed is in Jaeger though it was not sampled, with what it did", line(spans, ("gateway", "server", "GET /api/orders"), ("gateway", "client", "GET"))
                and all(s.tags.get("error") for s in spans), spans)
        verdict("one that went well is not", not jaeger.trace(good, lambda spans: spans, 1))


folder = tempfile.mkdtemp()
jaeger = Jaeger("jaeger", os.path.join(folder, "jaeger"))
try:
    run(jaeger, "http/protobuf", jaeger.port + 2)
    run(jaeger, "grpc", jaeger.port + 1)
    tails(jaeger)
finally:
    jaeger.signal(signal.SIGKILL)
finish()
