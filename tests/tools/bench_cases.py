"""The cases of bench_test.sh, one line each on stdout."""

import os
import sys
import tempfile
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP)

from bench.harness import answers, audit, loads, measure, picture, procs, stats  # noqa: E402
from bench.harness.context import Context, Options  # noqa: E402
from bench.harness.model import Case, Goal, Row, Server  # noqa: E402

OPENLOOP = os.environ["OPENLOOP"]
SCRATCH = os.environ["SCRATCH"]
STANDIN = os.path.join(TOP, "tests", "tools", "bench_standin.py")
failures = 0


def case(words):
    def run(function):
        global failures
        try:
            function()
            print(f"ok - {words}", flush=True)
        except Exception:
            failures += 1
            print(f"not ok - {words}")
            print("    " + "\n    ".join(traceback.format_exc().strip().splitlines()[-6:]), flush=True)

    return run


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


# ---- statistics ----


@case("the median of an even number of values is between the two in the middle")
def _():
    equal(stats.median([4, 1, 3, 100]), 3.5)
    equal(stats.median([9, 1, 5]), 5)


@case("the spread is the whole range over the median, so that one bad round shows")
def _():
    equal(round(stats.spread([10, 10, 10, 10, 13]), 3), 0.3)
    equal(stats.spread([7]), 0)


@case("a spread over 10 % on either side is no verdict, however good the ratio")
def _():
    steady, wild = [10, 10.1, 9.9, 10, 10], [10, 10, 10, 10, 11.2]
    for ours, reference in ((wild, steady), (steady, wild)):
        found = stats.verdict(ours, reference, 5.0)
        assert not found.decided and "spread 12%" in found.word, found


@case("a goal is met at its limit and missed above it; `ahead of` means below")
def _():
    equal(stats.verdict([12.0] * 5, [10.0] * 5, 1.2).word, "met")
    equal(stats.verdict([12.1] * 5, [10.0] * 5, 1.2).word, "missed")
    equal(stats.verdict([10.0] * 5, [10.0] * 5, 1.0, strict=True).word, "missed")
    equal(stats.verdict([8.0] * 5, [10.0] * 5, 0.85, at_least=True).word, "missed")


@case("figures that are missing or nothing are no verdict")
def _():
    assert not stats.verdict([], [1.0], 1).decided
    assert not stats.verdict([1.0], [0.0], 1).decided


# ---- what is read ----


@case("wrk's refused answers and socket errors are errors, and no requests")
def _():
    said = "Running 1s\n  1000 requests in 1.50s, 1MB read\n  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 100\n"
    loaded = loads.parse_wrk(said)
    equal((loaded.requests, loaded.errors, loaded.seconds), (900, 110, 1.5))


@case("h2load's answers that are not 2xx are errors, and its exact bytes are taken")
def _():
    said = (
        "finished in 120.50ms, 1 req/s, 1B/s\n"
        "requests: 100 total, 100 started, 100 done, 90 succeeded, 10 failed, 0 errored, 0 timeout\n"
        "status codes: 90 2xx, 0 3xx, 0 4xx, 10 5xx\n"
        "traffic: 10.00KB (10240) total, 1.00KB (1024) headers (space savings 1.0%), 5.00KB (5120) data\n"
    )
    loaded = loads.parse_h2load(said)
    equal((loaded.requests, loaded.errors, loaded.head_bytes, loaded.data_bytes), (90, 10, 1024, 5120))


@case("ghz's calls that are not OK are errors")
def _():
    said = '{"count": 100, "total": 2000000000, "statusCodeDistribution": {"OK": 97, "Unavailable": 3}}'
    loaded = loads.parse_ghz(said)
    equal((loaded.requests, loaded.errors, loaded.rate), (97, 3, 48.5))


@case("a peer's order of members is put right and nothing else")
def _():
    import json

    from bench.harness.rows import http

    want = http.placed()
    equal(http.placed_in_order(json.dumps(json.loads(want), sort_keys=True).encode()), want.encode())
    assert http.placed_in_order(want.replace("o-1", "o-2").encode()) != want.encode()
    assert http.placed_in_order(want.replace('"id"', '"more":1,"id"').encode()) != want.encode()


@case("series are summed by their path label, and statuses from 400 are failures")
def _():
    text = 'a_total{path="/x",status="200"} 5\na_total{path="/x",status="503"} 2\na_total{path="/y\\"",status="200"} 7\nb_total 1\n'
    equal([value for labels, value in audit.samples(text, "a_total") if labels["path"] == "/x"], [5, 2])


@case("lines of a log are counted once, whole ones only, from where the last count ended")
def _():
    path = os.path.join(SCRATCH, "lines")
    with open(path, "wb") as file:
        file.write(b"hit\nmiss\nhit\nhi")
    count, offset = audit.count_lines(path, b"hit")
    equal((count, offset), (2, 13))
    with open(path, "ab") as file:
        file.write(b"t\n")
    equal(audit.count_lines(path, b"hit", offset), (1, 17))


@case("answers that differ in one byte are told apart, with the place")
def _():
    same = answers.Answer("200", b"abc")
    equal(answers.differences({"a": same, "b": same}), [])
    assert "byte 2" in answers.differences({"a": same, "b": answers.Answer("200", b"abd")})[0]
    assert "404" in answers.differences({"a": same, "b": answers.Answer("404", b"abc")})[0]


@case("requests that wrk cut off may be in the log, more than those may not")
def _():
    equal(audit.faults(100, 0, 8, audit.Counts(108, 108, 0)), [])
    assert audit.faults(100, 0, 8, audit.Counts(109, 109, 0))
    assert audit.faults(100, 0, 8, audit.Counts(99, 99, 0))
    assert audit.faults(100, 0, 8, audit.Counts(104, 105, 0))
    assert audit.faults(100, 1, 8, audit.Counts(100, 100, 0))


# ---- the void rule, on servers that run ----


def load(context, port, rate, seconds):
    return loads.openloop(OPENLOOP, port, rate, seconds, connections=8, path="/users/42")


def run_row(*modes):
    """Stand-ins in these modes, the last of them ours."""
    servers = []
    for mode in modes:
        ours = mode is modes[-1]
        log = os.path.join(SCRATCH, f"{mode}.standin.log")

        def command(context, port, mode=mode, ours=ours, log=log):
            flags = [] if ours else ["--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{context.port()}", "--log.output", log]
            return [sys.executable, STANDIN, mode, *flags]

        servers.append(Server(mode if not ours else "yun", command, ours=ours))
    one = Case("", lambda context, port, seconds, rate: load(context, port, 400, seconds), lambda context, port: answers.http(port, "/users/42"), load)
    goals = [Goal("whatever", 1e9, servers[0].name)]
    row = Row("standin", "a row of stand-ins", servers, [one], goals, route="/users/{id}")
    context = Context(Options(rounds=2, seconds=0.5, open_seconds=0.5, quick=True, dist=SCRATCH), "standin")
    try:
        return measure.run(row, context, lambda text: None)
    finally:
        context.close()


@case("a row of honest servers stands, with figures for each")
def _():
    result = run_row("honest")
    equal(result.void, [])
    figures = result.cases[0].servers["yun"].figures
    assert all(len(figures[name]) == 2 and min(figures[name]) > 0 for name in ("cpu", "rate", "p50", "p99", "rss")), figures
    counts = result.audited["yun"]
    equal((counts["log_lines"], counts["counted"]), (counts["sent"], counts["sent"]))


for cheat, word in (("forgets-lines", "lines in the access log"), ("miscounts", "in the access log"), ("fails", "failed")):

    @case(f"a server that {cheat.replace('-', ' ')} makes its row void")
    def _(cheat=cheat, word=word):
        result = run_row(cheat)
        assert any(word in reason for reason in result.void), result.void
        assert result.publishable() is not None
        assert all(goal.verdict == "void" for goal in result.goals), result.goals


@case("a server whose bytes differ makes its row void before anything is timed")
def _():
    result = run_row("honest", "other-bytes")
    assert any("byte 7" in reason for reason in result.void), result.void
    assert "nothing was timed" in result.void, result.void
    assert all(not server.figures for each in result.cases for server in each.servers.values())


@case("a quick row is never kept, even if it stands")
def _():
    result = run_row("honest")
    equal(result.publishable(), "a quick run is no result")


# ---- latencies ----


def standin(mode, context):
    port = context.port()
    log = context.file(f"{mode}.log")
    process = context.start([sys.executable, STANDIN, mode, "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{context.port()}", "--log.output", log], mode)
    for _ in range(200):
        try:
            answers.http(port, "/users/42")
            return process, port
        except OSError:
            __import__("time").sleep(0.02)
    raise AssertionError("the stand-in does not answer")


def in_context(function):
    context = Context(Options(dist=SCRATCH), "latency")
    try:
        function(context)
    finally:
        context.close()


@case("a server that stalls for a second shows it in p99 and p90, though only few requests were in flight")
def _():
    def run(context):
        _, port = standin("stalls", context)
        loaded = loads.openloop(OPENLOOP, port, 400, 3, connections=8, path="/users/42")
        equal((loaded.requests, loaded.errors), (1200, 0))
        # A third of all requests fell due within the stall. Counted from when they were sent, only 8 of 1200 would have waited.
        assert loaded.percentiles["p90"] > 500_000 and loaded.percentiles["p99"] > 800_000, loaded.percentiles

    in_context(run)


@case("what waited for a free connection is late from when it was due, and not from when it was sent")
def _():
    def run(context):
        _, port = standin("stalls", context)
        loaded = loads.openloop(OPENLOOP, port, 400, 3, connections=2, path="/users/42")
        # Two requests wait for the server; the others, some 400 that were due meanwhile, for a connection.
        assert loaded.answered_p99 > 800_000, loaded
        assert loaded.sent_p99 < 500_000, loaded

    in_context(run)


@case("requests that are never answered are errors, and their waiting is in the percentiles")
def _():
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(64)
        loaded = loads.openloop(OPENLOOP, mute.getsockname()[1], 50, 1, connections=4, drain=0.5)
        equal((loaded.requests, loaded.errors), (0, 50))
        assert loaded.percentiles["max"] > 1_000_000, loaded.percentiles


@case("a connection that is closed within an answer is an error, and the load goes on with a fresh one")
def _():
    import socket
    import threading

    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen(64)

        def hang_up():
            while True:
                try:
                    peer, _ = rude.accept()
                except OSError:
                    return
                with peer:
                    if peer.recv(4096):
                        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

        threading.Thread(target=hang_up, daemon=True).start()
        loaded = loads.openloop(OPENLOOP, rude.getsockname()[1], 50, 1, connections=4, drain=0.5)
        rude.shutdown(socket.SHUT_RDWR)
        equal((loaded.requests, loaded.errors), (0, 50))


@case("a closed loop sends exactly the requests asked for, each with a number of its own and its connection's header")
def _():
    import http.server
    import threading

    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.headers["authorization"], self.headers["idempotency-key"], self.client_address, body))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tokens, body = os.path.join(SCRATCH, "tokens"), os.path.join(SCRATCH, "order")
        for path, text in ((tokens, "authorization: Bearer a\nauthorization: Bearer b\n"), (body, "100%n")):
            with open(path, "w") as file:
                file.write(text)
        loaded = loads.openloop(
            OPENLOOP, server.server_address[1], 0, 30, requests=50, connections=4, of_connection=tokens, method="POST", headers=["idempotency-key: r-%n!"], body=body
        )
        server.shutdown()
    equal((loaded.requests, loaded.errors), (50, 0))
    assert loaded.seconds < 20, loaded.seconds
    equal(sorted(key for _, key, _, _ in seen), sorted(f"r-{number}!" for number in range(50)))
    equal({body for *_, body in seen}, {b"100%n"})
    users = {address: {user for user, _, each, _ in seen if each == address} for _, _, address, _ in seen}
    equal(sorted(map(sorted, users.values())), [["Bearer a"], ["Bearer a"], ["Bearer b"], ["Bearer b"]])


@case("orders differ in their id and time alone, or the row is void")
def _():
    from bench.harness.rows import shop

    one = b'{"id":"1","status":"placed","items":[{"product_id":"x"}],"created_at":"2026-01-01T00:00:00Z"}'
    other = one.replace(b'"1"', b'"2"').replace(b":00Z", b":07.5Z")
    equal(shop.same(one), shop.same(other))
    assert shop.same(one) != shop.same(one.replace(b'"x"', b'"y"'))


@case("over HTTP/2 each request that was due is answered, many in flight on one connection")
def _():
    def run(context):
        port = context.port()
        context.file("page", "x" * 100)
        context.start(["nghttpd", "--no-tls", "-d", context.scratch, str(port)], "nghttpd")
        for _ in range(100):
            try:
                __import__("socket").create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                __import__("time").sleep(0.02)
        loaded = loads.openloop(OPENLOOP, port, 2000, 1, connections=1, streams=32, path="/page")
        equal((loaded.requests, loaded.errors), (2000, 0))

    in_context(run)


# ---- processes ----


@case("CPU of children is in that of their parent's tree")
def _():
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    nested = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {burn!r}]); time.sleep(30)"
    process = procs.Process([sys.executable, "-c", nested], os.path.join(SCRATCH, "nested"), core=None)
    try:
        for _ in range(400):
            if procs.cpu_seconds(process.pid) >= 0.29:
                return
            __import__("time").sleep(0.05)
        raise AssertionError(procs.cpu_seconds(process.pid))
    finally:
        process.stop()


@case("CPU of a server and of what stands beside it is told from that of other programs")
def _():
    burn = [sys.executable, "-c", "import time\nend = time.monotonic() + 20\nwhile time.monotonic() < end: pass"]
    server, beside = (procs.Process(burn, os.path.join(SCRATCH, "burn"), core=None) for _ in range(2))
    try:
        with procs.Stopwatch(server.pid, [server.pid, beside.pid]) as known:
            with procs.Stopwatch(server.pid) as unknown:
                __import__("time").sleep(1)
        spent = procs.cpu_seconds(beside.pid)
        assert known.server > 0.05 and spent > 0.05, (known.server, spent)
        # `known` lacks what `beside` spent, some tenths of a core even on a machine that is busy.
        assert unknown.others - known.others > 0.05, (unknown.others, known.others)
    finally:
        server.stop()
        beside.stop()


@case("the picture has a bar for each server and every verdict, as well-formed XML")
def _():
    import json
    import xml.dom.minidom

    result = run_row("honest")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        with open(os.path.join(folder, "standin.json"), "w") as file:
            json.dump(result.to_json(), file)
        picture.draw(folder)
        svg = xml.dom.minidom.parse(os.path.join(folder, "results.svg"))
        equal(len(svg.getElementsByTagName("rect")), 2)
        assert any("goal whatever" in node.firstChild.data for node in svg.getElementsByTagName("text"))


sys.exit(failures > 0)
