#!/usr/bin/python3
"""What the golden journey does not walk: idempotency under concurrency, the user service away, tokens, limits of the gateway, its configuration."""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import BIN, PASSWORD, TOP, Shop, finish, verdict  # noqa: E402


def at_once(count, action):
    got = [None] * count

    def one(i):
        got[i] = action(i)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def orders(shop):
    _, ada = shop.new_user("ada@example.com")
    _, bob = shop.new_user("bob@example.com")
    products = shop.products()
    plenty = max(products, key=lambda p: p["stock"])
    item = {"items": [{"product_id": plenty["id"], "quantity": 1}]}
    got = at_once(10, lambda _: shop.call("POST", "/api/orders", item, ada, "at-once"))
    verdict("ten at once with one key are one order", all(g.status == 201 for g in got) and len({g.json["id"] for g in got}) == 1, got)
    mine = shop.call("POST", "/api/orders", item, bob, "at-once")
    verdict("keys are scoped to the user", mine.status == 201 and mine.json["id"] != got[0].json["id"], mine)
    verdict("another's order is not found", shop.call("GET", "/api/orders/" + mine.json["id"], token=ada).status == 404)
    verdict("nor cancelled", shop.call("POST", f"/api/orders/{mine.json['id']}/cancel", token=ada).status == 404)
    for quantity in (0, -1, 1001, 1.5, "1", None, True):
        answer = shop.call("POST", "/api/orders", {"items": [{"product_id": plenty["id"], "quantity": quantity}]}, ada, f"q{quantity}")
        verdict(f"a quantity of {quantity!r} is 422", answer.status == 422, answer)
    verdict("no items is 422", shop.call("POST", "/api/orders", {"items": []}, ada, "none").status == 422)
    unknown = shop.call("POST", "/api/orders", {"items": [{"product_id": "no such thing", "quantity": 1}]}, ada, "unknown")
    verdict("an unknown product is 422 or 404", unknown.status in (404, 422), unknown)
    least = min(products, key=lambda p: p["stock"])
    got = at_once(8, lambda i: shop.call("POST", "/api/orders", {"items": [{"product_id": least["id"], "quantity": min(1000, max(1, least["stock"] // 3))}]}, ada, f"least{i}"))
    left = next(p["stock"] for p in shop.products() if p["id"] == least["id"])
    if least["stock"] <= 2000:
        verdict("stock never goes below zero, and the refusal names the product", left >= 0 and any(
            g.status == 409 and least["id"] in g.text for g in got) and all(g.status in (201, 409) for g in got), (left, got[-1]))
    paged = [shop.call("GET", "/api/orders?page_size=2", token=ada).json]
    verdict("a page is as long as asked, and has a token for the next", len(paged[0]["orders"]) == 2 or len(shop.orders(ada)) < 3, paged)
    times = [o["created_at"] for o in shop.orders(ada)]
    verdict("orders come newest first", times == sorted(times, reverse=True), times)
    return ada, item


def gateway(shop, ada):
    answer = shop.call("GET", "/api/orders", token=ada[:-4] + "AAAA")
    verdict("a token with another signature is 401", answer.status == 401 and answer.headers.get("X-Yun-Reason"), answer)
    answer = shop.call("GET", "/api/orders", token="eyJhbGciOiJub25lIn0.e30.")
    verdict("a token with alg none is 401", answer.status == 401, answer)
    answer = shop.call("GET", "/api/orders", headers={"X-User-Id": "somebody"})
    verdict("X-User-Id of a client counts for nothing", answer.status == 401, answer)
    answer = shop.call("GET", "/api/nowhere")
    verdict("no route is 404 with a reason", answer.status == 404 and answer.headers.get("X-Yun-Reason"), answer)
    answer = shop.call("PATCH", "/api/orders")
    verdict("a known path with a wrong method is 405 with Allow", answer.status == 405 and "POST" in (answer.headers.get("Allow") or ""), answer)
    answer = shop.call("GET", "/api/products", headers={"traceparent": "00-11111111111111111111111111111111-2222222222222222-01"})
    verdict("rate limits are told where a route has one", shop.call("GET", "/api/orders", token=ada).headers.get("RateLimit-Limit") is not None)
    for path in ("/metrics", "/debug", "/healthz", "/readyz", "/loglevel", "/openapi.json/../metrics"):
        verdict(f"{path} is not for the world", shop.call("GET", path).status in (400, 404))


def away(shop, ada, item):
    shop.stop("user")
    answer = shop.call("POST", "/api/orders", item, ada, "while away")
    verdict("without the user service an order is 503 with Retry-After", answer.status == 503 and answer.headers.get("Retry-After"), answer)
    verdict("within 2 s", answer.seconds <= 2, answer)
    verdict("reading goes on", shop.call("GET", "/api/products").status == 200 and shop.call("GET", "/api/orders", token=ada).status == 200)
    answer = shop.call("POST", "/api/login", {"email": "ada@example.com", "password": PASSWORD})
    verdict("a login is 503 or 502 then", answer.status in (502, 503), answer)
    shop.start("user")
    shop.wait_ready("user")
    until = time.monotonic() + 15
    while time.monotonic() < until:
        answer = shop.call("POST", "/api/orders", item, ada, "while away")
        if answer.status == 201:
            break
        time.sleep(0.1)
    verdict("the same key is served once the user service is back: only 2xx is replayed", answer.status == 201, answer)
    verdict("a token from before the restart is still good", shop.call("GET", "/api/orders", token=ada).status == 200)


def readiness(shop):
    """The gateway starts while the service whose methods it needs is away."""
    admin = shop.port("gateway") + 10
    shop.stop("user")
    shop.stop("gateway")
    shop.start("gateway")
    answer = asked_until(lambda: shop.call("GET", "/readyz", port=admin), lambda answer: "methods of" in answer.text)
    verdict("a gateway that has not learnt its upstream's methods is not ready", answer.status == 503, answer)
    verdict("and /readyz says what is missing", {"name": "gateway", "missing": 'the methods of upstream "users"'} in answer.json["checks"], answer)
    answer = shop.call("GET", "/health")
    verdict("nor does /health say so", answer.status == 503 and answer.json == {"status": "starting"}, answer)
    verdict("what it can serve it serves", shop.call("GET", "/api/products").status == 200)
    shop.start("user")
    shop.wait_ready("gateway")
    answer = shop.call("POST", "/api/login", {"email": "ada@example.com", "password": PASSWORD})
    verdict("once it is ready its first request is served", answer.status == 200, answer)
    answer = shop.call("GET", "/readyz", port=admin)
    verdict("and nothing is missing", answer.json == {"status": "ok", "checks": [{"name": "gateway", "missing": ""}]}, answer)

    shop.stop("user")
    shop.stop("gateway")
    os.environ["YUN_READY_TIMEOUT"] = "300ms"
    shop.start("gateway")
    del os.environ["YUN_READY_TIMEOUT"]
    shop.wait_ready("gateway")
    said = "ready without all that is needed"
    log = asked_until(lambda: shop.log("gateway"), lambda text: said in text, 5)
    verdict("after ready_timeout it is ready anyway and logs what is missing", said in log and "the methods of upstream" in log)
    shop.start("user")
    shop.wait_ready("user")


def asked_until(ask, holds, seconds=20):
    until = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
            if holds(answer) or time.monotonic() > until:
                return answer
        except OSError:
            if time.monotonic() > until:
                raise
        time.sleep(0.01)


def configuration(shop, ada):
    with open(os.path.join(TOP, "apps/gateway/gateway.yaml")) as file:
        good = file.read()
    bad = os.path.join(shop.scratch, "bad.yaml")
    with open(bad, "w") as file:
        file.write(good.replace("    to: orders\n", "    to: ordrs\n", 1))
    line = next(n for n, text in enumerate(good.replace("    to: orders\n", "    to: ordrs\n", 1).splitlines(), 1) if "ordrs" in text)

    def checks(path):
        return subprocess.run([os.path.join(BIN, "gateway"), "check", path], capture_output=True, text=True, timeout=10)
    verdict("gateway check of the shop's file exits 0", checks(shop.config).returncode == 0, checks(shop.config))
    said = checks(bad)
    verdict("gateway check of a bad one exits 1 and says where", said.returncode == 1 and f":{line}:9:" in said.stdout + said.stderr
            and 'unknown upstream "ordrs"' in said.stdout + said.stderr and 'did you mean "orders"?' in said.stdout + said.stderr, said)
    verdict("gateway check of nothing exits 2", subprocess.run([os.path.join(BIN, "gateway"), "check"], capture_output=True, timeout=10).returncode == 2)
    stop, answers = threading.Event(), []

    def load():
        while not stop.is_set():
            try:
                answers.append(shop.call("GET", "/api/products").status)
            except OSError as error:
                answers.append(repr(error))
    thread = threading.Thread(target=load)
    thread.start()
    with open(bad) as file:
        wrong = file.read()
    write(shop.config, wrong)
    shop.processes["gateway"].send_signal(1)
    until = time.monotonic() + 5
    while time.monotonic() < until and "unknown upstream" not in shop.log("gateway"):
        time.sleep(0.05)
    verdict("a bad file is told at reload", 'unknown upstream \\"ordrs\\"' in shop.log("gateway") or 'unknown upstream "ordrs"' in shop.log("gateway"), shop.log("gateway")[-400:])
    verdict("and the old one kept", shop.call("GET", "/api/products").status == 200 and shop.call("GET", "/api/orders", token=ada).status == 200)
    write(shop.config, good.replace("path(/api/products)", "path(/api/wares)"))
    shop.processes["gateway"].send_signal(1)
    until = time.monotonic() + 5
    while time.monotonic() < until and shop.call("GET", "/api/wares").status == 404:
        time.sleep(0.05)
    write(shop.config, good)
    shop.processes["gateway"].send_signal(1)
    stop.set()
    thread.join()
    verdict("reloads lose no request", set(answers) <= {200, 404} and len(answers) >= 3, (set(answers), len(answers)))


def write(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main():
    with Shop() as shop:
        copy = os.path.join(shop.scratch, "gateway.yaml")
        with open(shop.config) as file:
            write(copy, file.read())
        shop.stop("gateway")
        shop.config = copy
        shop.start("gateway")
        shop.wait_ready("gateway")
        ada, item = orders(shop)
        gateway(shop, ada)
        away(shop, ada, item)
        readiness(shop)
        configuration(shop, ada)
        for name in reversed(Shop.NAMES):
            shop.stop(name)
            verdict(f"{name} drains and exits 0", shop.processes[name].returncode == 0, shop.processes[name].returncode)
    finish()


main()
