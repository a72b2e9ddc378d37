#!/usr/bin/python3
"""Two gateways that keep one limit together in a real Redis: what they admit is the limit; with Redis frozen nobody waits and each keeps to its half."""
import os
import signal
import sys
import threading
import time

os.environ["SHOP_CACHE"] = "redis"
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import Shop, finish, verdict  # noqa: E402

RATE = 60  # a second; the burst is as large


class Flood(threading.Thread):
    """Asks one gateway for `seconds`, every 2 ms, some three times the whole limit; counts what was let through and how long the slowest took."""

    def __init__(self, shop, gateway, seconds):
        super().__init__()
        self.shop, self.gateway, self.seconds, self.admitted, self.refused, self.slowest, self.odd = shop, gateway, seconds, 0, 0, 0, []
        self.start()

    def run(self):
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            answer = self.shop.call("GET", "/limited", port=self.shop.port(self.gateway))
            self.slowest = max(self.slowest, answer.seconds)
            if answer.status == 429:
                self.refused += 1
            elif answer.status == 200:
                self.admitted += 1
            else:
                self.odd.append(answer)
            time.sleep(0.002)


def flood(shop, seconds):
    both = [Flood(shop, name, seconds) for name in ("gateway", "gateway2")]
    for one in both:
        one.join()
    return both


def calmed(shop, seconds=10):
    """Until no debt is left and both gateways hear Redis: a request takes its token, and the bucket is full otherwise."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        left = [int(shop.call("GET", "/limited", port=shop.port(name)).headers.get("RateLimit-Remaining", 0)) for name in ("gateway", "gateway2")]
        if min(left) >= RATE - 6:
            return True
        time.sleep(0.3)
    return False


with Shop() as shop:
    path = os.path.join(shop.scratch, "limits.yaml")
    with open(path, "w") as file:
        file.write(f"""limit_store: {{ redis: "redis://127.0.0.1:{shop.cache.port}/0?prefix=test:", gateways: 2 }}
upstreams:
  orders: {{ to: "static://127.0.0.1:{shop.port("order")}" }}
routes:
  - name: limited
    match: path(/limited)
    to: orders
    rewrite: /api/products
    use: [ limit: {RATE}/s by address shared ]
""")
    shop.stop("gateway")
    shop.config = path
    for name in ("gateway", "gateway2"):
        shop.start(name)
        shop.wait_ready(name)
    verdict("both gateways hear of Redis", calmed(shop))
    both = flood(shop, 3)
    together = sum(one.admitted for one in both)
    # A burst and three seconds' worth, and what the other took before this one heard of it (a sync of 100 ms); on a busy machine later.
    allowed = RATE * 4
    verdict(f"two gateways together admit the limit: {together} of {allowed}, within a quarter", 0.75 * allowed <= together <= 1.25 * allowed,
            [(one.admitted, one.refused) for one in both])
    verdict("each refused what was beyond", all(one.refused > 50 and not one.odd for one in both), [one.odd[:2] for one in both])
    verdict("no decision was made alone", shop.metric("gateway", "gateway_limit_alone_total") <= 5, shop.metric("gateway", "gateway_limit_alone_total"))

    calmed(shop)
    shop.cache.signal(signal.SIGSTOP)
    time.sleep(1)
    both = flood(shop, 3)
    share = RATE // 2 * 4
    slowest = max(one.slowest for one in both)
    verdict(f"with Redis frozen each admits its half: {[one.admitted for one in both]} of {share}, within a quarter",
            all(0.7 * share <= one.admitted <= 1.25 * share and not one.odd for one in both), [one.odd[:2] for one in both])
    verdict("and no request waits for Redis", slowest < 0.5, f"{slowest:.3f} s")
    verdict("which is counted", all(shop.metric(name, "gateway_limit_alone_total") > 100 for name in ("gateway", "gateway2")))
    shop.cache.signal(signal.SIGCONT)
    time.sleep(3)
    verdict("both hear of it again", calmed(shop))
    alone = [shop.metric(name, "gateway_limit_alone_total") for name in ("gateway", "gateway2")]
    both = flood(shop, 2)
    together = sum(one.admitted for one in both)
    verdict(f"and keep the limit together: {together} of {RATE * 3}, within a quarter", 0.7 * RATE * 3 <= together <= 1.25 * RATE * 3,
            [(one.admitted, one.refused) for one in both])
    verdict("alone no more", [shop.metric(name, "gateway_limit_alone_total") for name in ("gateway", "gateway2")] == alone)
finish()
