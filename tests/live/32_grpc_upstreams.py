#!/usr/bin/python3
"""The gateway before Python's grpcio as a server: our HTTP/2 client with a peer that is not ours, in all four kinds of calls, with large messages both ways,
trailers, errors, deadlines, cancelling, and a server that goes away."""
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import free_port  # noqa: E402

top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
binaries = os.environ.get("SHOP_BIN", os.path.join(top, "build/release/bin"))
failures = 0
cancelled = threading.Event()


def check(words, action):
    """`action` raises or gives something false where the thing is not so."""
    global failures
    try:
        good = action()
    except Exception as error:  # noqa: BLE001: whatever it was, the case has failed and the next goes on
        good, words = False, f"{words}: {type(error).__name__} {str(error)[:300]}"
    print(("ok - " if good else "not ok - ") + words, flush=True)
    failures += 0 if good else 1


class Peer(grpc.GenericRpcHandler):
    """Messages are bytes as they come: no .proto is needed."""

    def service(self, call):
        name = call.method.rsplit("/", 1)[1]
        if name == "Unary":
            return grpc.unary_unary_rpc_method_handler(self.unary)
        if name == "Gather":
            return grpc.stream_unary_rpc_method_handler(lambda messages, context: b"".join(messages))
        if name == "Spread":
            return grpc.unary_stream_rpc_method_handler(self.spread)
        if name == "Talk":
            return grpc.stream_stream_rpc_method_handler(self.talk)
        return None

    def unary(self, message, context):
        if message == b"fail":
            context.set_trailing_metadata((("x-why", "asked"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as told")
        if message == b"wait":
            context.add_callback(cancelled.set)
            time.sleep(3)
        context.set_trailing_metadata((("x-size", str(len(message))), ("x-bin", b"\0\1\2")))
        return message

    def spread(self, message, context):
        for i in range(int(message)):
            yield b"%d" % i

    def talk(self, messages, context):
        for message in messages:
            yield message.upper()


def serve(port=0):
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Peer()], options=options)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, bound


def status_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    return None


def cases(channel, restart):
    unary = channel.unary_unary("/test.Peer/Unary")
    gather = channel.stream_unary("/test.Peer/Gather")
    spread = channel.unary_stream("/test.Peer/Spread")
    talk = channel.stream_stream("/test.Peer/Talk")

    def trailers():
        answer, call = unary.with_call(b"hello", timeout=10)
        metadata = dict(call.trailing_metadata())
        return answer == b"hello" and metadata["x-size"] == "5" and metadata["x-bin"] == b"\0\1\2"

    def together():
        calls = [unary.future(b"%d" % i, timeout=20) for i in range(300)]
        return [call.result() for call in calls] == [b"%d" % i for i in range(300)]

    def large():
        message = os.urandom(3_000_000)
        return unary(message, timeout=20) == message

    def failed():
        error = status_of(lambda: unary(b"fail", timeout=10))
        return error.code() == grpc.StatusCode.FAILED_PRECONDITION and error.details() == "as told" and dict(error.trailing_metadata())["x-why"] == "asked"

    def conversation():
        turn = threading.Semaphore(1)

        def messages():
            for word in (b"one", b"two", b"three"):
                turn.acquire()
                yield word

        heard = []
        for message in talk(messages(), timeout=10):
            heard.append(message)
            turn.release()
        return heard == [b"ONE", b"TWO", b"THREE"]

    def past_its_deadline():
        cancelled.clear()
        error = status_of(lambda: unary(b"wait", timeout=0.3))
        return error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and cancelled.wait(2) and unary(b"after", timeout=10) == b"after"

    def cancelled_early():
        call = spread(b"1000000", timeout=20)
        first = [next(call) for _ in range(100)]
        call.cancel()
        return first[99] == b"99" and unary(b"after", timeout=10) == b"after"

    def unknown():
        error = status_of(lambda: channel.unary_unary("/test.Peer/Nothing")(b"", timeout=10))
        return error.code() == grpc.StatusCode.UNIMPLEMENTED

    def across_a_restart():
        restart()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                return unary(b"again", timeout=2) == b"again"
            except grpc.RpcError:
                time.sleep(0.1)
        return False

    check("a unary call with its trailers", trailers)
    check("three hundred calls at once", together)
    check("three megabytes there and back through every window", large)
    check("an error with its words and trailers", failed)
    check("messages of a client's stream", lambda: gather(iter([b"a" * 20_000] * 100), timeout=20) == b"a" * 2_000_000)
    check("messages of a server's stream", lambda: list(spread(b"5000", timeout=20)) == [b"%d" % i for i in range(5000)])
    check("a conversation in full duplex", conversation)
    check("a deadline cancels the call at the server, and the connection goes on", past_its_deadline)
    check("a stream that is dropped does not hold up the next call", cancelled_early)
    check("a method that is unknown", unknown)
    check("calls go on after the server came back", across_a_restart)


def main():
    peer, upstream = serve()
    holder = [peer]

    def restart():
        holder[0].stop(0.2).wait()
        holder[0], _ = serve(upstream)

    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/routes.yaml", "w", encoding="utf-8") as routes:
            routes.write(f'upstreams:\n  peer: {{ to: "static://127.0.0.1:{upstream}", protocol: grpc }}\n'
                         "routes:\n  - name: peer\n    match: path(/test.Peer/{method})\n    to: peer\n    body_limit: 64MiB\n")
        command = [f"{binaries}/gateway", "--routes", f"{folder}/routes.yaml", "--data", folder, "--listen", f"127.0.0.1:{port}",
                   "--admin", f"127.0.0.1:{free_port()}"]
        with open(f"{folder}/log", "wb") as log:
            gateway = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
            channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=options)
            grpc.channel_ready_future(channel).result(timeout=20)
            cases(channel, restart)
            channel.close()
        except grpc.FutureTimeoutError:
            with open(f"{folder}/log", encoding="utf-8") as log:
                check(f"the gateway starts: {log.read()[-500:]}", lambda: False)
        finally:
            gateway.terminate()
            gateway.wait(20)
            holder[0].stop(None)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
