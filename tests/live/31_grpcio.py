#!/usr/bin/python3
"""Python's grpcio against examples/grpc_greeter: the four kinds, deadline, cancel, metadata, status details, gzip, health, reflection."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import free_port  # noqa: E402

top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
binaries = os.environ.get("SHOP_BIN", os.path.join(top, "build/release/bin"))
failures = 0

SMALL_PROTOS = {
    "health.proto": """syntax = "proto3"; package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse { int32 status = 1; }""",
    "reflection.proto": """syntax = "proto3"; package yun.reflection;
message Request { oneof m { string file_containing_symbol = 4; string list_services = 7; } }
message Files { repeated bytes file_descriptor_proto = 1; }
message Service { string name = 1; }
message Services { repeated Service service = 1; }
message Response { oneof m { Files files = 4; Services services = 6; } }""",
    "status.proto": """syntax = "proto3"; package yun.status; import "google/protobuf/any.proto";
message Violation { string field = 1; string description = 2; }
message BadRequest { repeated Violation field_violations = 1; }
message Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }""",
}


def check(words, action):
    """`action` raises or gives something false where the thing is not so."""
    global failures
    try:
        verdict = action()
    except Exception as error:  # noqa: BLE001: whatever it is, the next check is to run
        verdict, said = False, f"{type(error).__name__}: {error}"
    else:
        said = f"got {verdict!r}"
    if verdict:
        print(f"ok - {words}", flush=True)
    else:
        failures += 1
        print(f"not ok - {words}\n    " + said.replace("\n", "\n    ")[:900], flush=True)


def failed_with(call):
    """The status code of a call that must fail."""
    try:
        got = call()
        if hasattr(got, "__next__"):
            list(got)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"it succeeded with {got!r}")


def main():
    scratch = tempfile.mkdtemp()
    for name, text in SMALL_PROTOS.items():
        with open(os.path.join(scratch, name), "w") as file:
            file.write(text)
    subprocess.check_call(["protoc", "-I", os.path.join(top, "proto"), "--python_out", scratch, "greeter.proto"])
    subprocess.check_call(["protoc", "-I", scratch, "--python_out", scratch, *SMALL_PROTOS])
    sys.path.insert(0, scratch)
    import greeter_pb2
    import health_pb2
    import reflection_pb2
    import status_pb2

    port, admin = free_port(), free_port()
    log = open(os.path.join(scratch, "log"), "w")
    server = subprocess.Popen([os.path.join(binaries, "examples/grpc_greeter"), "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"],
                              stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_ready(port)
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", 16 << 20)])
        run(channel, greeter_pb2, health_pb2, reflection_pb2, status_pb2, log.name)
        check("its calls are counted on the admin listener", lambda: b'rpc_server_requests_total{service="greeter.v1.Greeter",method="SayHello"' in
              urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=5).read())
        check("SIGTERM ends it with 0 while a channel is open", lambda: (server.terminate(), server.wait(40) == 0)[1])
    finally:
        server.kill()
        log.close()
        if failures:
            with open(os.path.join(scratch, "log")) as said:
                print("    log: " + "    log: ".join(said.readlines()[-10:]))
        shutil.rmtree(scratch)


def wait_ready(port):
    for _ in range(200):
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("not ok - grpc_greeter is ready")


def run(channel, greeter, health, reflection, status, log):
    request, reply = greeter.HelloRequest, greeter.HelloReply

    def method(kind, name, sends=request, gives=reply):
        return getattr(channel, kind)(name, request_serializer=sends.SerializeToString, response_deserializer=gives.FromString)

    hello = method("unary_unary", "/greeter.v1.Greeter/SayHello")
    replies = method("unary_stream", "/greeter.v1.Greeter/LotsOfReplies")
    greetings = method("stream_unary", "/greeter.v1.Greeter/LotsOfGreetings")
    bidi = method("stream_stream", "/greeter.v1.Greeter/BidiHello")

    check("unary", lambda: "Ada" in hello(request(name="Ada"), timeout=5).message)
    check("server stream of 200", lambda: len(list(replies(request(name="Ada", count=200), timeout=10))) == 200)
    check("server stream of the default 5", lambda: len(list(replies(request(name="Ada"), timeout=5))) == 5)
    check("client stream", lambda: all(n in greetings(iter([request(name=n) for n in ("Ada", "Bob", "Eve")]), timeout=5).message for n in ("Ada", "Bob", "Eve")))
    check("both ways, a greeting for each name", lambda: [m.message for m in bidi(iter([request(name=str(n)) for n in range(50)]), timeout=10)].__len__() == 50)

    def alternating():
        turn, names = threading.Semaphore(1), iter("abcde")

        def ask():
            for name in names:
                turn.acquire()
                yield request(name=name)
        seen = []
        for answer in bidi(ask(), timeout=10):
            seen.append(answer.message)
            turn.release()
        return len(seen) == 5
    check("both ways in turn: an answer comes before the next name is sent", alternating)

    check("an empty name is INVALID_ARGUMENT", lambda: failed_with(lambda: hello(request(), timeout=5)).code() == grpc.StatusCode.INVALID_ARGUMENT)

    def details():
        error = failed_with(lambda: hello(request(), timeout=5))
        binary = dict(error.trailing_metadata())["grpc-status-details-bin"]
        bad = next(status.BadRequest.FromString(d.value) for d in status.Status.FromString(binary).details if d.type_url.endswith("google.rpc.BadRequest"))
        return bad.field_violations[0].field == "name" and bad.field_violations[0].description
    check("its details name the field", details)
    check("an unknown method is UNIMPLEMENTED", lambda: failed_with(lambda: method("unary_unary", "/greeter.v1.Greeter/Nothing")(request(), timeout=5)).code() == grpc.StatusCode.UNIMPLEMENTED)

    def deadline():
        begun = time.monotonic()
        error = failed_with(lambda: hello(request(name="slow"), timeout=0.3))
        return error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and time.monotonic() - begun < 2
    check("a deadline ends a slow call", deadline)

    def cancelled():
        call = hello.future(request(name="slow"))
        time.sleep(0.2)
        call.cancel()
        for _ in range(100):
            if any("slow call ended" in line and "CANCELLED" in line for line in open(log)):
                return True
            time.sleep(0.05)
        return False
    check("a cancel by the client is seen by the handler", cancelled)

    def metadata():
        _, call = hello.with_call(request(name="Ada"), timeout=5, metadata=(("x-request-id", "abc-123"), ("probe-bin", b"\x00\xff")))
        got = dict(call.initial_metadata()) | dict(call.trailing_metadata())
        return got.get("x-request-id") == "abc-123" or got
    check("metadata goes in and comes out", lambda: metadata() is True)

    big = "x" * 200_000
    check("gzip, asked for by the client", lambda: big in hello(request(name=big), timeout=10, compression=grpc.Compression.Gzip).message)
    check("a message over 4 MiB is RESOURCE_EXHAUSTED", lambda: failed_with(lambda: hello(request(name="x" * 5_000_000), timeout=20)).code() == grpc.StatusCode.RESOURCE_EXHAUSTED)
    check("and the channel works on", lambda: "Ada" in hello(request(name="Ada"), timeout=5).message)

    healthy = method("unary_unary", "/grpc.health.v1.Health/Check", health.HealthCheckRequest, health.HealthCheckResponse)
    check("health: SERVING", lambda: healthy(health.HealthCheckRequest(), timeout=5).status == 1)
    check("health of an unknown service: NOT_FOUND", lambda: failed_with(lambda: healthy(health.HealthCheckRequest(service="x.Y"), timeout=5)).code() == grpc.StatusCode.NOT_FOUND)
    watch = method("unary_stream", "/grpc.health.v1.Health/Watch", health.HealthCheckRequest, health.HealthCheckResponse)

    def watched():
        stream = watch(health.HealthCheckRequest(), timeout=10)
        first = next(stream).status
        stream.cancel()
        return first == 1
    check("health can be watched", watched)

    for version in ("v1", "v1alpha"):
        info = method("stream_stream", f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo", reflection.Request, reflection.Response)
        check(f"reflection {version} lists the service", lambda: "greeter.v1.Greeter" in [
            s.name for answer in info(iter([reflection.Request(list_services="*")]), timeout=5) for s in answer.services.service])
        check(f"reflection {version} gives its file", lambda: any(
            b"HelloRequest" in f for answer in info(iter([reflection.Request(file_containing_symbol="greeter.v1.Greeter")]), timeout=5) for f in answer.files.file_descriptor_proto))

    check("twenty calls at once on one connection", lambda: all("n" in f.result(10).message for f in [hello.future(request(name=f"n{i}"), timeout=10) for i in range(20)]))


main()
sys.exit(failures > 0)
