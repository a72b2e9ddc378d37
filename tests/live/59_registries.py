#!/usr/bin/python3
"""The shop on MariaDB, found through a real etcd, and through Nacos (r-nacos): two of each service, of which one is stopped, one is killed, and the registry is away."""
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

os.environ["SHOP_DB"] = "mariadb"  # that both of a service's instances share
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import TOP, OrdersInTurn, Server, Shop, eventually, finish, verdict  # noqa: E402


def text_of(url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5) as answer:
        return answer.read()


def in_etcd(server, service):
    """The ports below services/SERVICE/, by etcd's JSON gateway."""
    first, behind = (base64.b64encode(f"services/{service}{end}".encode()).decode() for end in "/0")
    found = json.loads(text_of(f"http://127.0.0.1:{server.port}/v3/kv/range", json.dumps({"key": first, "range_end": behind}).encode()))
    return sorted(int(json.loads(base64.b64decode(entry["value"]))["address"].rsplit(":", 1)[1]) for entry in found.get("kvs", []))


def in_nacos(server, service):
    found = json.loads(text_of(f"http://127.0.0.1:{server.port}/nacos/v1/ns/instance/list?serviceName={service}&healthyOnly=true"))
    return sorted(host["port"] for host in found["hosts"])


def journey(name, known):
    server = Server(name, os.path.join(tempfile.mkdtemp(), name))
    try:
        verdict(f"{name} answers", eventually(lambda: known(server, "nobody") == [], 30))
        with Shop(registry=server) as shop:
            for second in ("user2", "order2"):
                shop.start(second)
                shop.wait_ready(second)
            both = {one + "-service": sorted((shop.port(one), shop.port(one + "2"))) for one in ("user", "order")}
            verdict(f"two user services and two order services are in {name}", eventually(lambda: all(known(server, s) == both[s] for s in both), 30), [known(server, s) for s in both])
            _, ada = shop.new_user(f"ada-{name}@example.com")
            plenty = max(shop.products(), key=lambda p: p["stock"])
            order = {"items": [{"product_id": plenty["id"], "quantity": 1}]}

            load = OrdersInTurn(shop, ada, order)
            time.sleep(1)
            shop.stop("order2")
            verdict(f"a service that stops has left {name} before it is gone", known(server, "order-service") == [shop.port("order")], known(server, "order-service"))
            time.sleep(2)
            bad = load.end()
            verdict(f"no order of {load.count} failed meanwhile", not bad and load.count > 50, bad[:3])

            load = OrdersInTurn(shop, ada, order)
            time.sleep(0.5)
            shop.processes["user2"].kill()
            time.sleep(3)
            bad = load.end()
            verdict(f"nor of {load.count} when a user service is killed: the other is asked", not bad and load.count > 50, bad[:3])
            verdict(f"the killed one is gone from {name} when its time is over", eventually(lambda: known(server, "user-service") == [shop.port("user")], 60), known(server, "user-service"))

            load = OrdersInTurn(shop, ada, order)
            server.signal(signal.SIGKILL)
            time.sleep(3)
            bad = load.end()
            verdict(f"without {name} no order of {load.count} failed", not bad and load.count > 20, bad[:3])
            server.start()
            verdict(f"{name} is back, and so are all", eventually(lambda: all(shop.port(one) in known(server, one + "-service") for one in ("user", "order")), 60))
            answer = shop.call("POST", "/api/orders", order, ada, "afterwards")
            verdict("and an order is taken", answer.status == 201, answer)
    finally:
        server.signal(signal.SIGKILL)


journey("etcd", in_etcd)
program = subprocess.run(["bash", "-c", "source tools/peers/peers; peer rnacos"], cwd=TOP, capture_output=True, text=True)
if program.returncode == 0:
    journey("nacos", in_nacos)
else:
    print(f"skip - the shop found through nacos: {program.stderr.strip()}")
finish()
