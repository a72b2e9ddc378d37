#!/usr/bin/env python3
"""Google's own client (grpcio) against a running grpc_greeter: live_client.py ADDRESS PROTO_DIR. Prints a line a check, exits 0 if all held."""
import os
import subprocess
import sys
import tempfile
import threading
import time

import grpc

address, proto_dir = sys.argv[1:3]
made = tempfile.mkdtemp()
own = f"{proto_dir}/../yun/rpc/proto"
with open(f"{own}/grpc/reflection/reflection.proto.in") as file:
    reflection = file.read()
for version in ("v1", "v1alpha"):
    os.makedirs(f"{made}/grpc/reflection/{version}")
    with open(f"{made}/grpc/reflection/{version}/reflection.proto", "w") as file:
        file.write(reflection.replace("@version@", version))
subprocess.check_call(["protoc", f"-I{proto_dir}", f"-I{own}", f"-I{made}", f"--python_out={made}", "greeter.proto",
                       "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto", "grpc/reflection/v1alpha/reflection.proto"])
sys.path.insert(0, made)
import greeter_pb2 as pb  # noqa: E402


def load(path):
    """A generated module below a folder called grpc, which is also the library's name."""
    import importlib.util
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), f"{made}/{path}_pb2.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


health_pb = load("grpc/health/v1/health")
failures = 0


def check(name, ok, why=""):
    global failures
    print(("ok   " if ok else "FAIL ") + name + (f": {why}" if not ok else ""), flush=True)
    failures += not ok


def method(channel, kind, path, request, reply):
    return getattr(channel, kind)(path, request_serializer=request.SerializeToString, response_deserializer=reply.FromString)


def code_of(call):
    try:
        call()
        return grpc.StatusCode.OK, None
    except grpc.RpcError as error:
        return error.code(), error


channel = grpc.insecure_channel(address, options=[("grpc.max_send_message_length", 64 << 20), ("grpc.max_receive_message_length", 64 << 20)])
base = "/greeter.v1.Greeter/"
say = method(channel, "unary_unary", base + "SayHello", pb.HelloRequest, pb.HelloReply)
replies = method(channel, "unary_stream", base + "LotsOfReplies", pb.HelloRequest, pb.HelloReply)
greetings = method(channel, "stream_unary", base + "LotsOfGreetings", pb.HelloRequest, pb.HelloReply)
bidi = method(channel, "stream_stream", base + "BidiHello", pb.HelloRequest, pb.HelloReply)

check("unary", say(pb.HelloRequest(name="ann"), timeout=5).message == "hello ann")
answer, call = say.with_call(pb.HelloRequest(name="ann"), timeout=5, metadata=[("x-tenant", "blue"), ("blob-bin", b"\0\xff")])
check("trailing metadata", ("x-served-by", "yun") in [(k, v) for k, v in call.trailing_metadata()])
check("server stream", [r.message for r in replies(pb.HelloRequest(name="a", count=3), timeout=5)] == ["hello a 0", "hello a 1", "hello a 2"])
check("long server stream", sum(1 for _ in replies(pb.HelloRequest(name="a" * 1000, count=5000), timeout=20)) == 5000)
check("client stream", greetings(iter([pb.HelloRequest(name=n) for n in "abc"]), timeout=5).message == "hello a, b, c")
check("long client stream", len(greetings(iter([pb.HelloRequest(name="x" * 100) for _ in range(2000)]), timeout=20).message) > 200000)
check("empty client stream", greetings(iter([]), timeout=5).message == "hello ")
check("bidi", [r.message for r in bidi(iter([pb.HelloRequest(name=n) for n in "xyz"]), timeout=5)] == ["hello x", "hello y", "hello z"])

code, error = code_of(lambda: say(pb.HelloRequest(name=""), timeout=5))
details = dict(error.trailing_metadata()).get("grpc-status-details-bin", b"")
check("status", code == grpc.StatusCode.INVALID_ARGUMENT and error.details() == "no name", error)
check("status details", b"google.rpc.BadRequest" in details and b"name_missing" in details)
check("unknown method", code_of(lambda: method(channel, "unary_unary", base + "Nothing", pb.HelloRequest, pb.HelloReply)(pb.HelloRequest(), timeout=5))[0] == grpc.StatusCode.UNIMPLEMENTED)
check("unknown service", code_of(lambda: method(channel, "unary_unary", "/no.Service/M", pb.HelloRequest, pb.HelloReply)(pb.HelloRequest(), timeout=5))[0] == grpc.StatusCode.UNIMPLEMENTED)
check("3 MiB", len(say(pb.HelloRequest(name="x" * (3 << 20)), timeout=10).message) == (3 << 20) + 6)
code, error = code_of(lambda: say(pb.HelloRequest(name="x" * (5 << 20)), timeout=10))
check("5 MiB is RESOURCE_EXHAUSTED", code == grpc.StatusCode.RESOURCE_EXHAUSTED, error)

zipped = grpc.insecure_channel(address, compression=grpc.Compression.Gzip)
say_zipped = method(zipped, "unary_unary", base + "SayHello", pb.HelloRequest, pb.HelloReply)
answer, call = say_zipped.with_call(pb.HelloRequest(name="z" * 100000), timeout=5)
check("gzip", answer.message == "hello " + "z" * 100000)

started = time.time()
code, _ = code_of(lambda: say(pb.HelloRequest(name="slow"), timeout=0.2))
check("deadline", code == grpc.StatusCode.DEADLINE_EXCEEDED and time.time() - started < 2)
pending = say.future(pb.HelloRequest(name="slow"))
time.sleep(0.2)
pending.cancel()
check("cancel", pending.cancelled())
stream = replies(pb.HelloRequest(name="slow", count=1))
check("first of a slow stream", next(stream).message == "hello slow 0")
stream.cancel()

ask = method(channel, "unary_unary", "/grpc.health.v1.Health/Check", health_pb.HealthCheckRequest, health_pb.HealthCheckResponse)
watch = method(channel, "unary_stream", "/grpc.health.v1.Health/Watch", health_pb.HealthCheckRequest, health_pb.HealthCheckResponse)
check("health", ask(health_pb.HealthCheckRequest(), timeout=5).status == 1)
check("health of a service", ask(health_pb.HealthCheckRequest(service="greeter.v1.Greeter"), timeout=5).status == 1)
check("health of an unknown service", code_of(lambda: ask(health_pb.HealthCheckRequest(service="no.Service"), timeout=5))[0] == grpc.StatusCode.NOT_FOUND)
watching = watch(health_pb.HealthCheckRequest(), timeout=5)
check("health watch", next(watching).status == 1)
watching.cancel()
unknown = watch(health_pb.HealthCheckRequest(service="no.Service"), timeout=5)
check("health watch of an unknown service", next(unknown).status == 3)
unknown.cancel()

for version in ("v1", "v1alpha"):
    reflection_pb = load(f"grpc/reflection/{version}/reflection")
    reflect = method(channel, "stream_stream", f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
                     reflection_pb.ServerReflectionRequest, reflection_pb.ServerReflectionResponse)
    asked = [reflection_pb.ServerReflectionRequest(list_services="*"), reflection_pb.ServerReflectionRequest(file_containing_symbol="greeter.v1.Greeter"),
             reflection_pb.ServerReflectionRequest(file_by_filename="missing.proto")]
    listed, described, missing = list(reflect(iter(asked), timeout=5))
    check(f"reflection {version} lists", "greeter.v1.Greeter" in [s.name for s in listed.list_services_response.service])
    check(f"reflection {version} describes", any(b"greeter.proto" in f for f in described.file_descriptor_response.file_descriptor_proto))
    check(f"reflection {version} says what is missing", missing.error_response.error_code == 5)

many = [say.future(pb.HelloRequest(name=str(i)), timeout=20) for i in range(500)]
check("500 at once", all(f.result().message == f"hello {i}" for i, f in enumerate(many)))

print(f"{failures} failed")
sys.exit(failures != 0)
