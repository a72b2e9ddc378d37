"""The shop for live tests in Python: its three programs on free ports, and calls through the gateway with nothing but the standard library."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("SHOP_BIN", os.path.join(TOP, "build/release/bin"))
PASSWORD = "correct horse battery"
failures = 0
given = set()  # by free_base()


def verdict(words, well, said=""):
    """One line that ./test counts; `said` is shown when it is not so."""
    global failures
    failures += not well
    print(f"ok - {words}" if well else f"not ok - {words}\n    {str(said)[:800]}", flush=True)
    return well


def finish():
    sys.exit(failures > 0)


def free_base():
    """N such that N .. N+5 and N+10 .. N+15 are free."""
    for base in range(21000 + os.getpid() * 13 % 8000, 32000):
        if base in given:
            continue
        try:
            for offset in (*range(6), *range(10, 16)):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
            given.update(range(base - 15, base + 16))
            return base
        except OSError:
            continue
    raise SystemExit("no free ports")


def free_port():
    """For a server of a test's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(condition, seconds=20, pause=0.1):
    """Whether `condition` comes true; nobody who answers yet counts as not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if condition():
                return True
        except OSError:
            pass
        time.sleep(pause)
    return False


class Answer:
    def __init__(self, status, headers, body, seconds):
        self.status, self.headers, self.text, self.seconds = status, headers, body, seconds

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"{self.status} {self.text[:300]!r} {dict(self.headers)} {self.seconds:.3f} s"


class Server:
    """A real server by tools/peers/serve, on a free port, with its folder; started again by start()."""

    def __init__(self, name, folder):
        self.name, self.folder, self.port = name, folder, free_base()
        self.start()

    def start(self):
        with open(self.folder + ".out", "a") as out:
            self.process = subprocess.Popen([os.path.join(TOP, "tools/peers/serve"), self.name, str(self.port), self.folder], stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        with open(self.folder + ".out") as out:
            raise SystemExit(f"not ok - {self.name} comes up\n    {out.read()[-500:]}")

    def signal(self, number):
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()


class Shop:
    """Its own supervisor, so that a test may kill and start programs as it likes."""

    NAMES = ("user", "order", "gateway")

    def __init__(self, data=None, config=None, registry=None, environment=None):
        self.scratch = tempfile.mkdtemp()
        self.registry, self.environment = registry, environment or {}
        self.data = data or os.path.join(self.scratch, "data")
        self.config = config or os.path.join(TOP, "apps/gateway/gateway.yaml")
        self.base = free_base()
        self.processes = {}
        self.advertise = {}  # instance: the port that a registry is told instead of its own
        self.database = Server("mariadb", os.path.join(self.scratch, "mariadb")) if os.environ.get("SHOP_DB") == "mariadb" else None

        self.cache = Server("redis", os.path.join(self.scratch, "redis")) if os.environ.get("SHOP_CACHE") == "redis" else None

    def __enter__(self):
        for name in self.NAMES:
            self.start(name)
        for name in self.NAMES:
            self.wait_ready(name)
        return self

    def __exit__(self, *_):
        for name in list(reversed(self.processes)):
            self.stop(name)
        if failures:
            for name in self.processes:
                with open(os.path.join(self.scratch, name + ".log")) as log:
                    print(f"    {name}: " + f"    {name}: ".join(line[:400] for line in log.readlines()[-3:]))
        if self.database:
            self.database.signal(signal.SIGKILL)
        if self.cache:
            self.cache.signal(signal.SIGKILL)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def port(self, name):
        """user2 is another instance of user."""
        return self.base + ("gateway", "user", "order").index(name.rstrip("2")) + (3 if name.endswith("2") else 0)

    def start(self, name):
        b, instance = self.base, name
        name = name.rstrip("2")
        argv = [os.path.join(BIN, name), "--listen", f"127.0.0.1:{self.port(instance)}", "--admin", f"127.0.0.1:{self.port(instance) + 10}",
                "--data", os.path.join(self.data, instance)]
        if instance in self.advertise:
            argv += ["--advertise", f"127.0.0.1:{self.advertise[instance]}"]
        if name == "gateway":
            argv += ["--routes", self.config]
        if name == "order" and not self.registry:
            argv += ["--users", f"static://127.0.0.1:{b + 1}", "--jwks", f"http://127.0.0.1:{b + 1}/.well-known/jwks.json"]
        os.makedirs(os.path.join(self.data, instance), exist_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("DB_") and k not in ("CONSUL_ADDR", "DISCOVERY_URL", "REDIS_ADDR")}
        if self.database:
            environment |= {"DB_HOST": "127.0.0.1", "DB_PORT": str(self.database.port), "DB_USER": "yun", "DB_PASSWORD": "yun", "DB_NAME": "yun"}
        if self.cache:
            environment |= {"REDIS_ADDR": f"127.0.0.1:{self.cache.port}"}
        if self.registry:
            at = f"{self.registry.name}://127.0.0.1:{self.registry.port}"
            environment |= {"CONSUL_ADDR": f"127.0.0.1:{self.registry.port}"} if self.registry.name == "consul" else {"DISCOVERY_URL": at}
        environment |= {"SHOP_USERS": f"static://127.0.0.1:{b + 1}", "SHOP_ORDERS": f"static://127.0.0.1:{b + 2}"}
        if self.registry:
            environment |= {f"SHOP_{one.upper()}S": f"{at}/{one}-service?keep={self.data}/gateway/{one}s.json" for one in ("user", "order")}
        environment |= self.environment
        with open(os.path.join(self.scratch, instance + ".log"), "a") as log:
            self.processes[instance] = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        return self.processes[instance]

    def wait_ready(self, name, seconds=20):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.processes[name].poll() is not None:
                raise SystemExit(f"not ok - {name} is ready\n    ended with {self.processes[name].returncode}: {self.log(name)[-500:]}")
            try:
                if self.call("GET", "/health", port=self.port(name), timeout=2).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise SystemExit(f"not ok - {name} is ready within {seconds} s")

    def stop(self, name, number=signal.SIGTERM):
        process = self.processes.get(name)
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            verdict(f"{name} drains within 40 s", False)

    def log(self, name):
        with open(os.path.join(self.scratch, name + ".log")) as log:
            return log.read()

    def call(self, method, path, body=None, token=None, key=None, headers=None, port=None, timeout=10):
        """One request on a connection of its own. OSError when there is no answer."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = "Bearer " + token
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection("127.0.0.1", port or self.base, timeout=timeout)
        begun = time.monotonic()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return Answer(answer.status, answer.headers, text, time.monotonic() - begun)
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()

    def new_user(self, email):
        """Creates and logs in: (id, token)."""
        user = {"name": "Ada", "email": email, "password": PASSWORD}
        created = self.once_up("POST", "/api/users", user)
        if created.status != 201:
            raise SystemExit(f"not ok - a user is created\n    {created!r}")
        login = self.call("POST", "/api/login", {"email": email, "password": PASSWORD})
        if login.status != 200:
            raise SystemExit(f"not ok - a user logs in\n    {login!r}")
        token = login.json["token"]
        self.once_up("GET", "/api/orders", token=token)
        return created.json["id"], token

    def once_up(self, *request, **more):
        """A program that has just come up says 503 until it has learnt the keys and methods of the others: asks again for ten seconds."""
        until = time.monotonic() + 10
        while True:
            answer = self.call(*request, **more)
            if answer.status != 503 or time.monotonic() > until:
                return answer
            time.sleep(0.1)

    def products(self):
        return self.call("GET", "/api/products").json["products"]

    def orders(self, token):
        """All of a user's orders, page by page."""
        found, page = [], ""
        while True:
            got = self.call("GET", f"/api/orders?page_size=100&page_token={page}", token=token).json
            found += got["orders"]
            page = got["next_page_token"]
            if not page:
                return found

    def metric(self, name, series):
        """The sum of a program's series whose name and labels begin with `series`."""
        page = self.call("GET", "/metrics", port=self.port(name) + 10).text
        return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith(series))

    def rss_kib(self, name, field="VmRSS"):
        with open(f"/proc/{self.processes[name].pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


class OrdersInTurn:
    """Orders one after the other through the gateway, each with a key of its own; what did not answer 201 is kept."""

    def __init__(self, shop, token, order):
        self.shop, self.token, self.order, self.bad, self.count, self.going = shop, token, order, [], 0, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.going:
            try:
                answer = self.shop.call("POST", "/api/orders", self.order, self.token, f"load-{id(self)}-{self.count}")
            except OSError as error:
                answer = error
            if getattr(answer, "status", 0) != 201:
                self.bad.append(answer)
            self.count += 1
            time.sleep(0.01)

    def end(self):
        self.going = False
        self.thread.join()
        return self.bad
