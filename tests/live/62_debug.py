#!/usr/bin/python3
"""The gateway's debug pages, by curl's eyes and in a real browser; its CPU and heap profiles, opened by `go tool pprof`. SCREENSHOTS=DIR keeps pictures."""
import base64
import http.client
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from shop import BIN, TOP, finish, free_port, verdict  # noqa: E402

EVIL = "<script>alert(1)</script>"
SECRET = "hunter2"


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(500 if "fail" in self.path else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def get(port, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), body.decode("utf-8", "replace")


def page(admin, name):
    return get(admin, f"/debug/{name}", {"Accept": "text/html"})


class Gateway:
    def __init__(self, folder):
        self.upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=self.upstream.serve_forever, daemon=True).start()
        file = os.path.join(folder, "gateway.yaml")
        with open(file, "w") as out:
            out.write(f"""upstreams:
  good: {{ to: "static://127.0.0.1:{self.upstream.server_port}" }}
  away: {{ to: "static://127.0.0.1:{free_port()},127.0.0.1:{free_port()}" }}
routes:
  - {{ name: items, match: "path(/items/*) && method(GET)", to: good, use: [ limit: 1000000/s by address ] }}
  - {{ name: away, match: path(/away/*), to: away }}
  - {{ name: evil, match: "path(/<script>x/*)", to: good }}
""")
        self.port, self.admin = free_port(), free_port()
        env = {**os.environ, "YUN_LOG__SINKS": f"loki://shop:{SECRET}@127.0.0.1:{free_port()}/?job=shop"}
        with open(os.path.join(folder, "log"), "w") as log:
            self.process = subprocess.Popen([os.path.join(BIN, "gateway"), "--routes", file, "--data", folder, "--listen", f"127.0.0.1:{self.port}",
                                             "--admin", f"127.0.0.1:{self.admin}", "--trace.ratio", "1", "--loops", "1"], env=env, stdout=log, stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                if get(self.port, "/health")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("not ok - the gateway comes up")


def pages(gateway):
    admin = gateway.admin
    for i in range(20):
        get(gateway.port, f"/items/{i}?{EVIL}", {"User-Agent": EVIL, "X-Request-Id": EVIL, "tracestate": f"a={EVIL}"})
        get(gateway.port, "/items/fail")
    get(gateway.port, "/%3Cscript%3Ex/1")

    get(gateway.port, "/away/x", {"User-Agent": EVIL})

    status, headers, index = page(admin, "")
    links = re.findall(r'<a href="(/debug/[^"]*)"', index)
    verdict("/debug/ is HTML for a browser", status == 200 and headers["content-type"].startswith("text/html"), (status, headers))
    verdict("and leads to every section", {"/debug/config", "/debug/routes", "/debug/requests", "/debug/endpoints", "/debug/pools", "/debug/limits",
                                           "/debug/gateway", "/debug/pprof/"} <= set(links), links)
    texts = {link: page(admin, link[len("/debug/"):]) for link in links}
    verdict("every link is a page", all(one[0] == 200 and "<h1>" in one[2] for one in texts.values()), {link: one[0] for link, one in texts.items()})
    verdict("no markup of a path or a header gets into any", not any("<script" in one[2].lower() for one in texts.values()),
            [link for link, one in texts.items() if "<script" in one[2].lower()])
    verdict("though it is there, as text", "&lt;script&gt;" in texts["/debug/gateway"][2], texts["/debug/gateway"][2][-800:])
    verdict("a script could not run", all("default-src 'none'" in one[1].get("content-security-policy", "") for one in texts.values()))
    everything = "".join(one[2] for one in texts.values()) + "".join(get(admin, link)[2] for link in links)
    verdict("no page has the secret", SECRET not in everything)

    config = {one["setting"]: one for one in json.loads(get(admin, "/debug/config")[2])}
    verdict("a setting says who gave it", (config["listen"]["source"], config["log.sinks"]["source"], config["grace"]["source"])
            == ("flag --listen", "environment YUN_LOG__SINKS", "default"), config)
    verdict("its secret is masked", config["log.sinks"]["value"].startswith("loki://shop:***@127.0.0.1:"), config["log.sinks"])

    time.sleep(1.1)  # a look at the rates is due after a second
    get(admin, "/debug/routes")
    begun = time.monotonic()
    while time.monotonic() - begun < 1.2:
        get(gateway.port, "/items/1")
    routes = json.loads(get(admin, "/debug/routes")[2])
    items = next((one for one in routes["http"] if one["path"] == "/items/*"), {})
    verdict("a route has its rate and its times", items.get("per_second", 0) > 1 and 0 < items.get("p50_seconds", 0) <= items.get("p99_seconds", 0), items)
    verdict("and what failed", items.get("failed", 0) == 20 and items.get("failed_per_second") == 0, items)
    requests = json.loads(get(admin, "/debug/requests")[2])
    verdict("failed requests are there with their traces", any(one["state"] == "failed" and len(one["trace_id"]) == 32 for one in requests), requests[:2])
    for _ in range(20):  # an ejection lasts a second at first, then longer
        away = [get(gateway.port, "/away/x", {"User-Agent": EVIL})[0] for _ in range(6)]
        rows = [one for one in json.loads(get(admin, "/debug/gateway")[2])["upstreams"] if one["upstream"] == "away"]
        if "ejected" in {one["state"] for one in rows}:
            break
    verdict("each endpoint of an upstream is there with its state", len(rows) == 2 and "ejected" in {one["state"] for one in rows}, (away, rows))
    limits = get(admin, "/debug/limits")[2]
    verdict("refusals are there by reason", "upstream_connect" in limits, limits[:600])
    verdict("an unknown page is 404", page(admin, "nothing")[0] == 404)


def profiles(gateway, folder):
    said = subprocess.run([os.path.join(TOP, "tools/setup"), "go"], capture_output=True, text=True, check=False)
    go = said.stdout.strip()
    if said.returncode != 0:
        verdict("there is a go", False, said.stderr)
        return
    load = subprocess.Popen(["wrk", "-t1", "-c16", "-d25s", f"http://127.0.0.1:{gateway.port}/away/x"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{gateway.admin}/debug/pprof/"
    env = {**os.environ, "PPROF_TMPDIR": folder}
    first = threading.Thread(target=lambda: outputs.append(subprocess.run([go, "tool", "pprof", "-top", "-cum", "-nodecount=400", url + "profile?seconds=6"], env=env,
                                                                           capture_output=True, text=True, check=False)))
    outputs = []
    first.start()
    time.sleep(3)
    second = get(gateway.admin, "/debug/pprof/profile?seconds=1")
    first.join()
    cpu = outputs[0].stdout
    verdict("go tool pprof opens the CPU profile", "Type: cpu" in cpu, outputs[0].stderr)
    verdict("and finds functions of ours by name", "yun::gateway::" in cpu and "yun::runtime::Loop::run" in cpu, cpu[:1500])
    # Either pprof was slow to start and this one was first, or it was refused: never both.
    verdict("one CPU profile at a time", second[0] == 429 and "profile_running" in second[2], second[:2])
    heap = subprocess.run([go, "tool", "pprof", "-top", "-cum", "-sample_index=alloc_space", "-nodecount=400", url + "heap?seconds=8"], env=env, capture_output=True, text=True, check=False)
    verdict("go tool pprof opens the heap profile", "Type: alloc_space" in heap.stdout, heap.stderr)
    verdict("and finds who allocates by name", "yun::" in heap.stdout, heap.stdout[:1500])
    long = get(gateway.admin, "/debug/pprof/profile?seconds=61")
    verdict("more than a minute is refused", long[0] == 422 and "/query/seconds" in long[2], long)
    load.terminate()
    load.wait()
    if os.environ.get("SCREENSHOTS"):
        print(cpu[:2500], heap.stdout[:2500])


class Browser:
    """Chromium by chromedriver's plain HTTP (W3C WebDriver)."""

    def __init__(self, folder):
        self.port = free_port()
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                if self.call("GET", "/status")["ready"]:
                    break
            except OSError:
                time.sleep(0.1)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900", f"--user-data-dir={folder}/chromium"]
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = "/session/" + made["sessionId"]

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, body=json.dumps(body) if method == "POST" else None, headers={"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["value"]

    def run(self, script):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": []})

    def open(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def click(self, link):
        element = self.call("POST", self.session + "/element", {"using": "css selector", "value": f'nav a[href="{link}"]'})
        self.call("POST", f"{self.session}/element/{next(iter(element.values()))}/click", {})

    def complaints(self):
        return [one for one in self.call("POST", self.session + "/se/log", {"type": "browser"}) if one["level"] in ("SEVERE", "WARNING")]

    def shot(self, name):
        if folder := os.environ.get("SCREENSHOTS"):
            with open(os.path.join(folder, name + ".png"), "wb") as out:
                out.write(base64.b64decode(self.call("GET", self.session + "/screenshot")))

    def prefer(self, scheme):
        self.call("POST", self.session + "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {"features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def close(self):
        try:
            self.call("DELETE", self.session)
        except OSError:
            pass
        self.driver.terminate()
        self.driver.wait()


def in_a_browser(gateway, folder):
    browser = Browser(folder)
    try:
        browser.open(f"http://127.0.0.1:{gateway.admin}/debug/")
        links = browser.run("return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))")
        verdict("the browser shows the links", len(links) >= 8, links)
        seen = {}
        for link in links:
            browser.click(link)
            seen[link] = browser.run("return [location.pathname, document.querySelector('h1').textContent, document.querySelector('nav a[aria-current]').textContent,"
                                     " document.querySelectorAll('script').length, document.body.scrollWidth <= window.innerWidth + 1]")
            browser.shot("page" + link.replace("/", "-"))
        verdict("each leads to its page, whose title is the link's", all(one[0] == link and one[1] == one[2] for link, one in seen.items()), seen)
        verdict("none has a script", all(one[3] == 0 for one in seen.values()), seen)
        verdict("none is wider than the window", all(one[4] for one in seen.values()), seen)
        browser.prefer("light")
        light = browser.run("return getComputedStyle(document.querySelector('nav a:not([aria-current])')).color")
        browser.prefer("dark")
        dark = browser.run("return getComputedStyle(document.querySelector('nav a:not([aria-current])')).color")
        browser.shot("dark")
        verdict("they are light or dark as the browser likes it", light != dark, (light, dark))
        verdict("the console is silent", browser.complaints() == [], browser.complaints())
    finally:
        browser.close()


def main():
    folder = tempfile.mkdtemp(prefix="yun-debug.")
    gateway = Gateway(folder)
    try:
        pages(gateway)
        in_a_browser(gateway, folder)
        profiles(gateway, folder)
    finally:
        gateway.process.terminate()
        gateway.process.wait()
        gateway.upstream.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    finish()


main()
