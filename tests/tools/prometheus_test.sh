#!/usr/bin/env bash
# deploy/prometheus and deploy/grafana: the rules are well formed, each alert is tested both ways and has its page, no rule asks for a metric that no
# program has, and the dashboards are what their description makes.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
rules=(deploy/prometheus/rules/*.yml)
check "promtool check rules" promtool check rules "${rules[@]}"
check "promtool test rules" promtool test rules deploy/prometheus/tests/*.yml
# A test that would pass whatever the rules say proves nothing.
cp -r deploy/prometheus "$dir/broken"
sed -i -E 's/^( +expr: )(.*) (>|>=|==) [0-9.]+( \* 0\.001)?$/\1\2 \3 1e9/; s/^( +expr: )absent.*/\1vector(1) > 2/' "$dir/broken/rules/shop.yml"
check "which fail when no alert can fire" bash -c "! promtool test rules '$dir'/broken/tests/*.yml >/dev/null 2>&1"

check "each alert fires in one test and keeps still in another, and has a page with the three parts" $python - <<'END'
import os, yaml
alerts = {r["alert"]: r for g in yaml.safe_load(open("deploy/prometheus/rules/shop.yml"))["groups"] for r in g["rules"]}
assert alerts
seen = {name: set() for name in alerts}
for test in yaml.safe_load(open("deploy/prometheus/tests/shop.yml"))["tests"]:
    for one in test["alert_rule_test"]:
        seen[one["alertname"]].add(bool(one["exp_alerts"]))
assert all(kinds == {True, False} for kinds in seen.values()), seen
for name, rule in alerts.items():
    page = rule["annotations"]["runbook"]
    assert page == f"docs/runbook/{name}.md", page
    text = open(page).read()
    for part in (f"# {name}\n", "## What it means\n", "## What to look at\n", "## What to do\n"):
        assert part in text, (page, part)
    assert rule["labels"]["severity"] in ("page", "ticket")
pages = {name[:-3] for name in os.listdir("docs/runbook")}
assert pages == set(alerts), pages ^ set(alerts)
END
check "each metric that a rule or a page asks for is in docs/metrics.md" $python - <<'END'
import glob, re
known = set(re.findall(r"^\| `([a-z0-9_]+)`", open("docs/metrics.md").read(), re.M)) | {"up"}
text = "".join(open(path).read() for path in glob.glob("deploy/prometheus/rules/*.yml"))
asked = set(re.findall(r"\b([a-z]+_[a-z0-9_]*(?:_total|_seconds|_ratio|_busy|_limit))\b(?!:)", re.sub(r"[a-z_]+:[a-z_]+:[a-z0-9_]+", "", text)))
text = "".join(open(path).read() for path in glob.glob("docs/runbook/*.md"))
asked |= set(re.findall(r"`((?:http|sql|redis|runtime|client|shop|gateway)_[a-z0-9_]*(?:_total|_seconds|_ratio|_busy|_limit|_length))`", text))
assert len(asked) > 8, asked
missing = {name for name in asked if name not in known}
assert not missing, missing
END

check "Grafana's JSON is what its description makes" tools/dashboards --check
check "each panel's place on the screen is its own" $python - <<'END'
import glob, json
for path in glob.glob("deploy/grafana/dashboards/*.json"):
    taken = set()
    for panel in json.load(open(path))["panels"]:
        p = panel["gridPos"]
        cells = {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
        assert not cells & taken and p["x"] + p["w"] <= 24, (path, panel["title"])
        taken |= cells
END
finish
