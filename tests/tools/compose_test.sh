#!/usr/bin/env bash
# compose.yaml and deploy/docker, as far as can be said without Docker: what they name is there, and the programs are told what ./run --full tells them.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

check "services, volumes, secrets, targets and mounted files exist" $python - <<'END'
import os, re, yaml
compose = yaml.safe_load(open("compose.yaml"))
services = compose["services"]
assert set(services) == {"gateway", "user", "user2", "order", "order2", "mariadb", "redis", "consul", "prometheus", "jaeger", "grafana"}, set(services)
for name, service in services.items():
    for other, how in service.get("depends_on", {}).items():
        assert other in services, (name, other)
        # Of ours the Dockerfile has the health check.
        assert how["condition"] != "service_healthy" or "healthcheck" in services[other] or "build" in services[other], (name, other)
    for secret in service.get("secrets", ()):
        assert secret in compose["secrets"], (name, secret)
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert os.path.exists(source) if source.startswith(".") else source in compose["volumes"], (name, source)
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), (name, port)
    if "build" in service:
        dockerfile = open(os.path.join(service["build"]["context"], service["build"]["dockerfile"])).read()
        target = service["build"]["target"]
        assert re.search(rf"^FROM \S+ AS {target}$", dockerfile, re.M), (name, target)
        assert target == name.rstrip("2") == service["image"].split("/")[1]
END
check "the programs have the environment of ./run --full" $python - <<'END'
import re, yaml
services = yaml.safe_load(open("compose.yaml"))["services"]
told = set(re.findall(r"\b((?:DB|CONSUL|REDIS|OTEL)_[A-Z_]+)=", re.sub(r"unset .*", "", open("tools/shop/backends").read()))) | {"OTEL_SERVICE_NAME"}
for name in ("user", "user2", "order", "order2"):
    assert set(services[name]["environment"]) == told, (name, told ^ set(services[name]["environment"]))
assert {"CONSUL_ADDR", "SHOP_USERS", "SHOP_ORDERS"} <= set(services["gateway"]["environment"])
mapped = open("deploy/prometheus/prometheus.yml").read()
assert "server: 127.0.0.1:18500" in mapped and r"127\.0\.0\.1:18500" in services["prometheus"]["entrypoint"][2]
END
check "what the Dockerfile copies is there, and its ignore file lets it through" $python - <<'END'
import os, re
lines = re.sub(r"\\\n", " ", open("deploy/docker/Dockerfile").read())
let = {line[1:] for line in open("deploy/docker/Dockerfile.dockerignore").read().split() if line.startswith("!")}
for line in re.findall(r"^COPY (?!--from)(.*)$", lines, re.M):
    for source in line.split()[:-1]:
        assert os.path.exists(source), source
        assert source in let or source.split("/")[0] in let, source
END
check "no secret is in the tree" bash -c "! git ls-files | grep -E '(^|/)\.env$' && git check-ignore -q .env"
finish
