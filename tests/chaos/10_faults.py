#!/usr/bin/python3
"""The shop in full (MariaDB, Redis, Consul, two of each service, a gateway, a network that can be broken between) under a steady load of orders, while each part
is frozen, killed and brought back. In the end a ledger: one order a key, none lost, none twice, stock and events add up, nobody was held past the deadline."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, namedtuple

os.environ |= {"SHOP_DB": "mariadb", "SHOP_CACHE": "redis"}
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..")]
import shop as shop_module  # noqa: E402
from ledger import Ledger, delivered, log_lines, query, stock  # noqa: E402
from load import Load  # noqa: E402
from shop import TOP, Server, Shop, finish, verdict  # noqa: E402

DEADLINE = 3.0     # of an order at the gateway, seconds: short, so that a frozen database reaches it
TOLERANCE = 0.1    # how much later than that an answer may be finished
MOST_RATE = 120.0  # orders per second, however much the shop can do: stock and time are finite
SHARE = 0.3        # of what it can do
INSTANCES = ("user", "order", "user2", "order2")

# name; what breaks (called in turn, `hold` seconds after each); what brings all back; what must hold before the next phase; the reasons with which a first try may
# fail (503 or 504), none: it may not fail at all. CHAOS_ONLY=REGEX in the environment runs the phases of that name; CHAOS_KEEP=DIR keeps the logs.
Phase = namedtuple("Phase", "name steps hold back healed may_fail")
NOTHING = frozenset()


class System:
    """The parts by name, with the three things that can be done to each."""

    def __init__(self, shop, consul, network):
        self.shop, self.consul, self.network = shop, consul, network

    def servers(self):
        return {"mariadb": self.shop.database, "redis": self.shop.cache, "consul": self.consul}

    def freeze(self, name):
        self.process(name).send_signal(signal.SIGSTOP)

    def thaw(self, name):
        self.process(name).send_signal(signal.SIGCONT)

    def kill(self, name):
        self.process(name).kill()
        self.process(name).wait()

    def start(self, name):
        if name in self.servers():
            self.servers()[name].start()
        else:
            self.shop.start(name)
            self.shop.wait_ready(name, 30)

    def process(self, name):
        return self.servers()[name].process if name in self.servers() else self.shop.processes[name]

    def restart(self, name):
        """As a rolling update does it: SIGTERM, drain, start, ready, known to all."""
        self.shop.stop(name)
        self.start(name)
        until = time.monotonic() + 20
        while not self.all_known() and time.monotonic() < until:
            time.sleep(0.05)

    def all_known(self):
        return all(passing(self.consul, f"{kind}-service") == sorted((self.network.ports[kind], self.network.ports[kind + "2"])) for kind in ("user", "order"))

    def database_answers(self):
        return query(self.shop, "select 1") == [["1"]]


class Network:
    """A proxy before each instance; Consul knows the services by these ports."""

    def __init__(self, ports):
        self.ports = {name: shop_module.free_base() for name in ports}
        self.process = subprocess.Popen([sys.executable, os.path.join(here, "proxy.py"), *(f"{self.ports[name]}:{ports[name]}" for name in ports)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def become(self, what, *names):
        for name in names:
            self.process.stdin.write(f"{what} {self.ports[name]}\n")
            self.process.stdin.flush()
            self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def passing(consul, service):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{consul.port}/v1/health/service/{service}?passing=1", timeout=2) as answer:
            return sorted(entry["Service"]["Port"] for entry in json.load(answer))
    except (OSError, ValueError):
        return []


def phases(system):
    """A row each; add a part by adding a row."""
    s, n = system, system.network
    rows = [Phase("quiet", [lambda: None], 3, lambda: None, lambda: True, NOTHING)]
    for server, healed in (("redis", lambda: True), ("consul", s.all_known)):
        rows.append(Phase(f"{server} frozen", [lambda x=server: s.freeze(x)], 3, lambda x=server: s.thaw(x), healed, NOTHING))
        rows.append(Phase(f"{server} killed", [lambda x=server: s.kill(x)], 3, lambda x=server: s.start(x), healed, NOTHING))
    for one in INSTANCES:
        rows.append(Phase(f"{one} frozen", [lambda x=one: s.freeze(x)], 4, lambda x=one: s.thaw(x), s.all_known, NOTHING))
        rows.append(Phase(f"{one} killed", [lambda x=one: s.kill(x)], 2, lambda x=one: s.start(x), s.all_known, NOTHING))
    both = ("order", "order2")
    rows.append(Phase("network to order2 silent", [lambda: n.become("freeze", "order2")], 4, lambda: n.become("pass", "order2"), s.all_known, NOTHING))
    rows.append(Phase("network to order2 cut", [lambda: n.become("cut", "order2")], 2, lambda: n.become("pass", "order2"), s.all_known, NOTHING))
    lost = {"upstream_connect", "upstream_reset", "upstream_timeout", "no_endpoints"}
    rows.append(Phase("network to both silent", [lambda: n.become("freeze", *both)], 2, lambda: n.become("pass", *both), s.all_known, lost))
    rows.append(Phase("network to both cut", [lambda: n.become("cut", *both)], 2, lambda: n.become("pass", *both), s.all_known, lost))
    for one in (*INSTANCES, "gateway", "gateway2"):
        rows.append(Phase(f"rolling restart: {one}", [lambda x=one: s.restart(x)], 0.5, lambda: None, s.all_known, NOTHING))
    database = {"sql_unavailable", "sql_commit_unknown", "upstream_timeout", "deadline_exceeded"}
    rows.append(Phase("mariadb frozen", [lambda: s.freeze("mariadb")], 4, lambda: s.thaw("mariadb"), s.database_answers, database))
    rows.append(Phase("mariadb killed", [lambda: s.kill("mariadb")], 2, lambda: s.start("mariadb"), s.database_answers, database))
    rows.append(Phase("quiet again", [lambda: None], 3, lambda: None, lambda: True, NOTHING))
    only = os.environ.get("CHAOS_ONLY")
    return [row for row in rows if not only or re.search(only, row.name)]


def run(phase):
    """(name, begin, end) of its time, by the load's clock."""
    begun = time.monotonic()
    for step in phase.steps:
        step()
        time.sleep(phase.hold)
    phase.back()
    until = time.monotonic() + 30
    while not phase.healed() and time.monotonic() < until:
        time.sleep(0.1)
    if time.monotonic() >= until:
        verdict(f"{phase.name}: all is well again within 30 s", False)
    time.sleep(1)
    return begun, time.monotonic()


def report(phase, orders):
    """One line of the table; verdicts on what failed."""
    failed = Counter(f"{o.first[0]} {o.first[1]}" for o in orders if o.first[0] != 201)
    bad = {words: count for words, count in failed.items() if words.split()[0] not in ("503", "504") or words.split(" ", 1)[1] not in phase.may_fail}
    slowest = max((o.first[2] for o in orders), default=0)
    print(f"# {phase.name:<28} {len(orders):5} orders, first tries that failed {100 * sum(failed.values()) / max(1, len(orders)):5.1f} %, slowest {slowest:5.2f} s  "
          + ", ".join(f"{count} x {words}" for words, count in failed.most_common()), flush=True)
    words = "no first try fails" if not phase.may_fail else "first tries fail with a reason that is known for it"
    verdict(f"{phase.name}: {words}", not bad and orders, bad)


def gateway_file(shop):
    """The shop's own, with a deadline for orders that this test can reach."""
    with open(os.path.join(TOP, "apps/gateway/gateway.yaml")) as file:
        text = file.read()
    name = "  - name: place-order\n"
    assert name in text
    path = os.path.join(shop.scratch, "gateway.yaml")
    with open(path, "w") as file:
        file.write(text.replace(name, f"{name}    timeout: {DEADLINE:.0f}s\n"))
    return path


def seconds(text):
    """A duration as the logs have it: a number of seconds, or with a unit."""
    if isinstance(text, (int, float)):
        return float(text)
    number, unit = re.fullmatch(r"([\d.]+)(ns|us|µs|ms|s|m)", text).groups()
    return float(number) * {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0


def main():
    folder = tempfile.mkdtemp()
    consul = Server("consul", os.path.join(folder, "consul"))
    network = None
    try:
        shop = Shop(registry=consul)
        shop.config = gateway_file(shop)
        network = Network({name: shop.port(name) for name in INSTANCES})
        shop.advertise = network.ports
        with shop:
            for second in ("user2", "order2", "gateway2"):
                shop.start(second)
                shop.wait_ready(second)
            system = System(shop, consul, network)
            until = time.monotonic() + 20
            while not system.all_known() and time.monotonic() < until:
                time.sleep(0.1)
            verdict("two of each service are in Consul", system.all_known())
            users = [shop.new_user(f"user{i}@example.com") for i in range(16)]
            before = stock(shop)
            load = Load([shop.port("gateway"), shop.port("gateway2")], users, {"product_id": max(before, key=before.get), "quantity": 1})
            load.closed(16, 1)
            capacity = load.closed(16, 2)
            rate = min(MOST_RATE, SHARE * capacity)
            print(f"# capacity {capacity:.0f} orders/s in a closed loop of 16; the load is {rate:.0f}/s", flush=True)
            load.begin(rate)
            time.sleep(1)
            spans = [(phase, *run(phase)) for phase in phases(system)]
            load.end()
            for phase, begun, ended in spans:
                # By the end of the first try: one that was under way when a phase began is that phase's.
                report(phase, [o for o in load.orders if o.first and begun <= o.due + o.first[2] < ended])
            check_ledger(shop, load, before)
            if os.environ.get("CHAOS_KEEP"):
                shutil.copytree(shop.scratch, os.environ["CHAOS_KEEP"], dirs_exist_ok=True, ignore=shutil.ignore_patterns("mariadb", "redis"))
    finally:
        if network:
            network.end()
        consul.signal(signal.SIGKILL)
    finish()


def check_ledger(shop, load, before):
    until = time.monotonic() + 10
    while time.monotonic() < until and query(shop, "select count(*) from outbox where sent_at is null") != [["0"]]:
        time.sleep(0.2)
    shop.stop("order")
    shop.stop("order2")
    ledger = Ledger(shop, load, before)
    verdict(f"of {len(load.orders)} orders none is lost", not ledger.lost(), ledger.lost()[:5])
    verdict("and none is there twice", not ledger.doubled() and len(ledger.orders) == len(load.orders), (ledger.doubled()[:5], len(ledger.orders)))
    verdict("stock adds up", not ledger.stock_faults(), ledger.stock_faults())
    without, unsent, unheard = ledger.events_faults(delivered(shop, ("order", "order2")))
    verdict("each order has its event", not without, without[:5])
    verdict("which was marked as delivered", not unsent, unsent[:5])
    verdict("and was delivered at least once", not unheard, (len(unheard), unheard[:5]))
    held = [seconds(line["duration"]) for name in ("gateway", "gateway2") for line in log_lines(shop, name, '"/api/orders"') if line.get("method") == "POST"]
    slow = [round(h, 3) for h in held if h > DEADLINE + TOLERANCE]
    verdict(f"the gateway held no request longer than its deadline of {DEADLINE:.0f} s and 100 ms", held and not slow, sorted(slow)[-5:])
    firsts = [o.first[2] for o in load.orders if o.first]
    print(f"# longest by the gateway's clock {max(held, default=0):.3f} s; clients: first answer p50 {percentile(firsts, 0.5) * 1000:.1f} ms, p99.9 {percentile(firsts, 0.999):.3f} s, "
          f"tries a placed order at most {max(o.tries for o in load.orders)}", flush=True)


main()
