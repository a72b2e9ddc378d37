"""What is true in the end, read from MariaDB itself and from the programs' logs, whatever the answers said."""
import glob
import json
import os
import subprocess


def query(shop, sql):
    """Rows as lists of strings."""
    out = subprocess.run(["mariadb", "--protocol=tcp", "-h127.0.0.1", f"-P{shop.database.port}", "-uyun", "-pyun", "--skip-ssl", "-N", "-B", "yun", "-e", sql],
                         capture_output=True, text=True, timeout=60)
    if out.returncode != 0:
        raise SystemExit(f"not ok - MariaDB answers\n    {out.stderr[:300]}")
    return [line.split("\t") for line in out.stdout.splitlines()]


def stock(shop):
    return {product: int(count) for product, count in query(shop, "select id, stock from products")}


def log_lines(shop, name, words):
    """The JSON lines of every run of `name` that have `words`."""
    for path in glob.glob(os.path.join(shop.scratch, name + ".log")):
        with open(path, errors="replace") as log:
            for line in log:
                if words in line and line.startswith("{"):
                    try:
                        yield json.loads(line)
                    except ValueError:
                        pass  # cut off by a kill


def delivered(shop, names):
    """Ids of the orders whose event a relay handed on."""
    return {json.loads(line["event"])["order"]["id"] for name in names for line in log_lines(shop, name, '"order event"')}


class Ledger:
    def __init__(self, shop, load, before):
        """`before`: the stock at the beginning."""
        self.keys = {}  # key -> order ids
        for key, order in query(shop, "select `key`, json_value(order_json, '$.id') from `keys`"):
            self.keys.setdefault(key, []).append(order)
        self.orders = [row[0] for row in query(shop, "select id from orders")]
        self.taken = {product: int(count) for product, count in query(shop, "select product_id, sum(quantity) from items group by product_id")}
        self.events = dict(query(shop, "select json_value(payload, '$.order.id'), sent_at is not null from outbox"))
        self.load, self.before, self.after = load, before, stock(shop)

    def lost(self):
        """Orders that were not answered, or answered with an order that is not there."""
        there = set(self.orders)
        return [o.key for o in self.load.orders if o.id is None or o.id not in there or self.keys.get(o.key) != [o.id]]

    def doubled(self):
        """Orders that no key of ours stands for, and keys with more than one."""
        answered = {o.id for o in self.load.orders}
        return [o for o in self.orders if o not in answered] + [key for key, ids in self.keys.items() if len(ids) != 1]

    def stock_faults(self):
        return {p: (count, self.after[p], self.taken.get(p, 0)) for p, count in self.before.items() if self.after[p] != count - self.taken.get(p, 0)}

    def events_faults(self, delivered_ids):
        """(orders without an event, events not marked as sent, events that no relay handed on)"""
        return ([o for o in self.orders if o not in self.events], [o for o, sent in self.events.items() if sent != "1"],
                [o for o in self.events if o not in delivered_ids])
