#!/usr/bin/python3
"""The shop on MariaDB and Redis, its services found through a real Consul: two of each, of which one is killed or stopped, and Redis and Consul away."""
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request

os.environ |= {"SHOP_DB": "mariadb", "SHOP_CACHE": "redis"}
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import OrdersInTurn, Server, Shop, eventually, finish, verdict  # noqa: E402


def passing(consul, service):
    with urllib.request.urlopen(f"http://127.0.0.1:{consul.port}/v1/health/service/{service}?passing=1", timeout=5) as answer:
        return sorted(entry["Service"]["Port"] for entry in json.load(answer))


folder = tempfile.mkdtemp()
consul = Server("consul", os.path.join(folder, "consul"))
try:
    verdict("consul has a leader", eventually(lambda: urllib.request.urlopen(urllib.request.Request(
        f"http://127.0.0.1:{consul.port}/v1/kv/ready", b"yes", method="PUT"), timeout=5).status == 200, 30))
    with Shop(registry=consul) as shop:
        for second in ("user2", "order2"):
            shop.start(second)
            shop.wait_ready(second)
        both = sorted((shop.port("user"), shop.port("user2")))
        orders = sorted((shop.port("order"), shop.port("order2")))
        verdict("two user services and two order services are in Consul", eventually(lambda: passing(consul, "user-service") == both and passing(consul, "order-service") == orders),
                [passing(consul, s) for s in ("user-service", "order-service")])
        _, ada = shop.new_user("ada@example.com")
        plenty = max(shop.products(), key=lambda p: p["stock"])
        order = {"items": [{"product_id": plenty["id"], "quantity": 1}]}

        placed = shop.call("POST", "/api/orders", order, ada, "cached")
        path = "/api/orders/" + placed.json["id"]
        read = [shop.call("GET", path, token=ada) for _ in range(6)]
        verdict("an order is read as it was placed, each time", all(one.status == 200 and one.json == placed.json for one in read), read[:2])
        hits = sum(shop.metric(name, 'cache_requests_total{cache="orders",result="hit"}') for name in ("order", "order2"))
        verdict("most times what it holds comes from the cache", hits >= 3, hits)
        shop.call("POST", path + "/cancel", token=ada)
        read = [shop.call("GET", path, token=ada) for _ in range(6)]
        verdict("and once it is cancelled nobody reads it as placed", all(one.json == placed.json | {"status": "cancelled"} for one in read), read[:2])
        plenty = next(p for p in shop.products() if p["id"] == plenty["id"])
        kept = len(shop.orders(ada))

        load = OrdersInTurn(shop, ada, order)
        time.sleep(1)
        shop.stop("user2")
        shop.stop("order2")
        verdict("a service that stops has left Consul before it is gone", passing(consul, "user-service") == [shop.port("user")], passing(consul, "user-service"))
        time.sleep(1)
        for second in ("user2", "order2"):
            shop.start(second)
            shop.wait_ready(second)
        verdict("and is back", eventually(lambda: passing(consul, "user-service") == both and passing(consul, "order-service") == orders))
        time.sleep(1)
        bad = load.end()
        verdict(f"no order of {load.count} failed meanwhile", not bad and load.count > 50, bad[:3])

        load = OrdersInTurn(shop, ada, order)
        time.sleep(0.5)
        shop.processes["user2"].kill()
        time.sleep(3)
        bad = load.end()
        verdict(f"nor of {load.count} when one is killed: the other is asked", not bad and load.count > 50, bad[:3])
        verdict("the killed one is critical in Consul", eventually(lambda: passing(consul, "user-service") == [shop.port("user")]))
        shop.start("user2")
        shop.wait_ready("user2")

        load = OrdersInTurn(shop, ada, order)
        time.sleep(0.5)
        shop.cache.signal(signal.SIGSTOP)
        time.sleep(1.5)
        shop.cache.signal(signal.SIGKILL)
        time.sleep(1)
        shop.cache.start()
        time.sleep(1)
        bad = load.end()
        verdict(f"no order of {load.count} failed while Redis was frozen, dead and back", not bad, bad[:3])

        verdict("and is in it again", eventually(lambda: passing(consul, "user-service") == both))
        load = OrdersInTurn(shop, ada, order)
        consul.signal(signal.SIGKILL)
        time.sleep(2)
        shop.stop("order2")
        shop.start("order2")
        shop.wait_ready("order2", 30)
        bad = load.end()
        verdict(f"without Consul no order of {load.count} failed, and a service even starts, by what it kept", not bad, bad[:3])
        answer = shop.call("POST", "/api/orders", order, ada, "without", port=shop.port("order2"))
        verdict("and takes orders", answer.status == 201, answer)
        consul.start()
        verdict("Consul comes back empty, and all are there again", eventually(
            lambda: passing(consul, "user-service") == both and passing(consul, "order-service") == orders, 60))
        load = OrdersInTurn(shop, ada, order)
        time.sleep(1)
        bad = load.end()
        verdict(f"no order of {load.count} failed afterwards", not bad, bad[:3])
        placed = shop.orders(ada)
        left = next(p["stock"] for p in shop.products() if p["id"] == plenty["id"])
        verdict("stock adds up", left == plenty["stock"] - (len(placed) - kept), (left, len(placed)))
finally:
    consul.signal(signal.SIGKILL)
finish()
