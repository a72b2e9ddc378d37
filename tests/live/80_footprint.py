#!/usr/bin/python3
"""What the user service costs: memory idle and under 200 logins at once, time from exec to the first 200, and a login's time that tells nothing."""
import os
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import PASSWORD, Shop, finish, verdict  # noqa: E402


def first_200(shop):
    """Milliseconds from exec to the first 200 of /health on a warm data folder."""
    shop.stop("user")
    begun = time.monotonic()
    shop.start("user")
    while True:
        try:
            with socket.create_connection(("127.0.0.1", shop.port("user")), timeout=1) as sock:
                sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if sock.recv(64).startswith(b"HTTP/1.1 200"):
                    return (time.monotonic() - begun) * 1000
        except OSError:
            pass
        if time.monotonic() - begun > 10:
            return 1e9
        time.sleep(0.0005)


def main():
    with Shop() as shop:
        shop.new_user("ada@example.com")
        took = sorted(first_200(shop) for _ in range(7))
        verdict(f"exec to the first 200: median {took[3]:.1f} ms of {took[0]:.1f} .. {took[-1]:.1f}, at most 50", took[3] <= 50, took)
        shop.call("GET", "/health", port=shop.port("user"))
        idle = shop.rss_kib("user") / 1024
        verdict(f"idle RSS {idle:.1f} MiB, at most 20 MB", idle * 1.048576 <= 20, idle)

        def login(email, password):
            return shop.call("POST", "/api/login", {"email": email, "password": password}, timeout=30)
        login("ada@example.com", PASSWORD)
        wrong, unknown = [], []
        for i in range(50):
            wrong.append(login("ada@example.com", "wrong wrong wrong"))
            unknown.append(login(f"nobody{i}@example.com", "wrong wrong wrong"))
        verdict("wrong password and unknown email are 401", {a.status for a in wrong + unknown} == {401}, wrong[0])

        def words(answer):
            return {k: v for k, v in answer.json.items() if k not in ("trace_id", "instance")}
        verdict("in the same words", words(wrong[0]) == words(unknown[0]), (words(wrong[0]), words(unknown[0])))
        a, b = (statistics.median(x.seconds * 1000 for x in kind) for kind in (wrong, unknown))
        verdict(f"in the same time: medians of 50, {a:.2f} and {b:.2f} ms, within 10 %", abs(a - b) <= 0.1 * max(a, b), (a, b))

        got, peak = [], [0]
        over = threading.Event()

        def watch():
            while not over.is_set():
                peak[0] = max(peak[0], shop.rss_kib("user"))
                time.sleep(0.005)
        watcher = threading.Thread(target=watch)
        watcher.start()
        threads = [threading.Thread(target=lambda: got.append(login("ada@example.com", PASSWORD))) for _ in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        over.set()
        watcher.join()
        peak = shop.rss_kib("user", "VmHWM") / 1024
        statuses = {s: sum(g.status == s for g in got) for s in {g.status for g in got}}
        verdict(f"200 logins at once: {statuses}; each 200, or 503 with Retry-After", len(got) == 200 and all(
            g.status == 200 or (g.status == 503 and g.headers.get("Retry-After")) for g in got) and statuses.get(200, 0) >= 66, statuses)
        verdict(f"their peak RSS is {peak:.1f} MiB, at most 64", peak <= 64, peak)
    finish()


main()
