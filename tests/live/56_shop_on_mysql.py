#!/usr/bin/python3
"""The shop on a real MariaDB: the rules of 55 once more, and what happens when the database is killed, frozen and back."""
import os
import signal
import subprocess
import sys
import time

os.environ["SHOP_DB"] = "mariadb"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import TOP, Shop, finish, verdict  # noqa: E402


def until_placed(shop, order, token, key, seconds=30):
    """The first 201, and what came before it."""
    before, end = [], time.monotonic() + seconds
    while True:
        answer = shop.call("POST", "/api/orders", order, token, key)
        if answer.status == 201 or time.monotonic() > end:
            return answer, before
        before.append(answer)
        time.sleep(0.1)


verdict("the rules of tests/live/55_shop_rules.py hold on MariaDB too", subprocess.run([os.path.join(TOP, "tests/live/55_shop_rules.py")], check=False).returncode == 0)

with Shop() as shop:
    _, ada = shop.new_user("ada@example.com")
    plenty = max(shop.products(), key=lambda p: p["stock"])
    order = {"items": [{"product_id": plenty["id"], "quantity": 2}]}
    placed = shop.call("POST", "/api/orders", order, ada, "first")
    verdict("an order is placed", placed.status == 201, placed)

    shop.database.signal(signal.SIGKILL)
    answer = shop.call("POST", "/api/orders", order, ada, "second")
    verdict("without its database: 503, Retry-After and a reason, within 2 s", answer.status == 503 and answer.headers.get("Retry-After")
            and answer.headers.get("X-Yun-Reason") == "sql_unavailable" and answer.seconds < 2, answer)
    verdict("health is not the database's", shop.call("GET", "/health", port=shop.port("order")).status == 200)
    shop.database.start()
    answer, before = until_placed(shop, order, ada, "second")
    verdict("back, it goes on by itself", answer.status == 201, (answer, before[-1:]))
    verdict("what was acknowledged before the kill is there", shop.call("GET", "/api/orders/" + placed.json["id"], token=ada).status == 200)

    shop.database.signal(signal.SIGSTOP)
    answer = shop.call("POST", "/api/orders", order, ada, "third", timeout=30)
    verdict("a frozen database holds a request no longer than its deadline", answer.status in (503, 504) and answer.seconds < 16, answer)
    shop.database.signal(signal.SIGCONT)
    answer, before = until_placed(shop, order, ada, "third")
    verdict("thawed, it goes on by itself", answer.status == 201, (answer, before[-1:]))
    mine = shop.orders(ada)
    verdict("one order a key", len(mine) == 3, mine)
    left = next(p["stock"] for p in shop.products() if p["id"] == plenty["id"])
    verdict("stock adds up", left == plenty["stock"] - 6, (left, plenty))
finish()
