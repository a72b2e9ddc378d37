#!/usr/bin/python3
"""Every query of Grafana's panels is asked of the real Prometheus of ./run --full while the shop is at work: each has an answer, and of metrics that are there."""
import glob
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import PASSWORD, TOP, Shop, finish, free_base, verdict  # noqa: E402

WORDS = {"sum", "by", "rate", "histogram_quantile", "min", "max", "time", "le", "or"}


class Running(Shop):
    """Calls to a shop that ./run --full looks after."""

    def __init__(self, base):
        self.base = base


def work(shop, until):
    """A bit of everything, with new users so that no cache has them all."""
    while time.monotonic() < until:
        mail = f"a{time.monotonic_ns()}@example.com"
        user, token = shop.new_user(mail)
        for _ in range(3):
            shop.call("GET", f"/api/users/{user}", token=token)
        shop.call("GET", "/api/users/nobody", token=token)
        shop.call("GET", "/nowhere")
        shop.call("POST", "/api/login", {"email": mail, "password": PASSWORD + "!"})
        product = max(shop.products(), key=lambda p: p["stock"])
        for i in range(5):
            placed = shop.call("POST", "/api/orders", {"items": [{"product_id": product["id"], "quantity": 1}]}, token, f"{mail}-{i}")
            if placed.status == 201:
                shop.call("POST", f"/api/orders/{placed.json['id']}/cancel", token=token)
        shop.orders(token)


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/api/v1/"

    def get(self, what, **parameters):
        try:
            with urllib.request.urlopen(self.url + what + "?" + urllib.parse.urlencode(parameters), timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            return {"result": [], "error": error.read().decode()}

    def numbers(self, query):
        """What the query gives, NaN left out: 0/0 draws nothing."""
        return [float(s["value"][1]) for s in self.get("query", query=query)["result"] if not math.isnan(float(s["value"][1]))]


def metrics_of(query):
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby \([^)]*\)", "", query)
    return {name for name in re.findall(r"[a-z_][a-z0-9_:]*", bare) if name not in WORDS}


verdict("the JSON is what the description makes", subprocess.run([os.path.join(TOP, "tools/dashboards"), "--check"], check=False).returncode == 0)
panels = []
for path in sorted(glob.glob(os.path.join(TOP, "deploy/grafana/dashboards/*.json"))):
    with open(path) as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            for job in ("gateway", "user-service", "order-service") if "$job" in target["expr"] else ("",):
                panels.append((f"{dashboard['title']}: {panel['title']}{job and ' of ' + job}", target["expr"].replace("$job", job)))

folder, base = tempfile.mkdtemp(), free_base()
data = os.path.join(folder, "data")
run = [os.path.join(TOP, "run"), "--no-install", "--data", data]
try:
    started = subprocess.run([*run, "--full", "--detach", "--port", str(base)], env=os.environ | {"SHOP_ANY_PORTS": "1"}, capture_output=True, text=True, check=False)
    if not verdict("./run --full starts", started.returncode == 0, started.stderr):
        finish()
    with open(os.path.join(data, "run.json")) as file:
        prometheus = Prometheus(json.load(file)["backends"]["prometheus"]["port"])
    load = threading.Thread(target=work, args=(Running(base), time.monotonic() + 60))
    load.start()
    time.sleep(30)  # of load, so that a rate over a minute has some scrapes of each program

    known = set(prometheus.get("label/__name__/values"))
    with open(os.path.join(TOP, "docs/metrics.md")) as file:
        documented = set(re.findall(r"^\| `([a-z0-9_]+)`", file.read(), re.MULTILINE)) | {"up"}
    well = 0
    for title, query in panels:
        asked = metrics_of(query)
        bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked if ":" not in name}
        until = time.monotonic() + 10
        while not (numbers := prometheus.numbers(query)) and time.monotonic() < until:
            time.sleep(1)
        if not numbers or not asked <= known or not bare <= documented:
            verdict(title, False, {"query": query, "unknown": sorted(asked - known), "not in docs/metrics.md": sorted(bare - documented), "answer": prometheus.get("query", query=query)})
        else:
            well += 1
    verdict(f"{well} of {len(panels)} queries have an answer, of known metrics", well == len(panels) > 50)
    verdict("a query of an unknown metric would have been noticed", not metrics_of("sum(rate(http_reqests_total[1m]))") <= known and not prometheus.numbers("sum(rate(http_reqests_total[1m]))"))
    load.join()
finally:
    subprocess.run([*run, "--stop"], capture_output=True, check=False)
    subprocess.run(["rm", "-rf", folder], check=False)
finish()
