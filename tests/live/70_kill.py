#!/usr/bin/python3
"""kill -9 of a random program, fifty times, under load: every order answered 201 is there once, the stock adds up, the others go on.

SHOP_KILLS changes how often."""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import Shop, finish, verdict  # noqa: E402

KILLS = int(os.environ.get("SHOP_KILLS", "50"))
BUYERS = 6


class Buyer(threading.Thread):
    """Places orders until told to end; one that got no answer is sent again with its key until it has one."""

    def __init__(self, shop, number, product):
        super().__init__(daemon=True)
        self.shop, self.number, self.product = shop, number, product
        self.user, self.token = shop.new_user(f"buyer{number}@example.com")
        self.answered, self.refused, self.unclear, self.over = {}, {}, 0, False

    def run(self):
        count = 0
        while not self.over:
            count += 1
            self.place(f"buyer-{self.number}-{count}")

    def place(self, key):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                answer = self.shop.call("POST", "/api/orders", {"items": [{"product_id": self.product, "quantity": 1}]}, self.token, key)
            except OSError:
                time.sleep(0.05)
                continue
            if answer.status == 201:
                self.answered[key] = answer.json["id"]
                return
            if answer.status < 500:
                self.refused[key] = repr(answer)
                return
            time.sleep(0.05)
        self.unclear += 1


def main():
    random.seed(os.environ.get("SHOP_SEED", "yun"))
    with Shop() as shop:
        before = {p["id"]: p["stock"] for p in shop.products()}
        plenty = max(before, key=before.get)
        buyers = [Buyer(shop, n, plenty) for n in range(BUYERS)]
        for buyer in buyers:
            buyer.start()
        went_on = True
        for _ in range(KILLS):
            time.sleep(random.uniform(0.05, 0.4))
            name = random.choice(Shop.NAMES)
            shop.processes[name].kill()
            shop.processes[name].wait()
            time.sleep(random.uniform(0, 0.2))
            shop.start(name)
            shop.wait_ready(name)
            went_on = went_on and all(p.poll() is None for p in shop.processes.values())
        for buyer in buyers:
            buyer.over = True
        for buyer in buyers:
            buyer.join(90)
        verdict(f"{KILLS} programs were killed and none of the others went with them", went_on)
        answered = sum(len(b.answered) for b in buyers)
        verdict(f"orders were placed meanwhile ({answered})", answered >= KILLS)
        verdict("each attempt came to an answer", all(not b.unclear for b in buyers))
        verdict("none was refused that should not have been", all(not b.refused for b in buyers), [list(b.refused.items())[:2] for b in buyers])
        missing, twice, strange, sold = [], [], [], 0
        for buyer in buyers:
            there = [order["id"] for order in shop.orders(buyer.token)]
            sold += len(there)
            missing += [i for i in buyer.answered.values() if i not in there]
            twice += [i for i in there if there.count(i) > 1]
            strange += [i for i in there if i not in buyer.answered.values()]
            twice += [i for i in buyer.answered.values() if list(buyer.answered.values()).count(i) > 1]
        verdict("every order answered 201 is there", not missing, missing[:5])
        verdict("once", not twice and not strange, (twice[:5], strange[:5]))
        after = {p["id"]: p["stock"] for p in shop.products()}
        verdict("the stock adds up", after[plenty] == before[plenty] - sold, (before[plenty], sold, after[plenty]))
        verdict("other stock is as it was", all(after[i] == before[i] for i in before if i != plenty))
    finish()


main()
