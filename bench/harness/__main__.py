"""bench/run [row…]: builds, runs the rows, prints them and keeps what may be kept in bench/results/."""

import argparse
import fcntl
import json
import os
import shutil
import sys

from . import build, measure, picture, report
from .context import TOP, Context, Options, cache_folder
from .rows import ROWS

RESULTS = os.path.join(TOP, "bench", "results")


def _options() -> "tuple[Options, list[str]]":
    parser = argparse.ArgumentParser(
        prog="bench/run", description="Runs rows of the bench, each against its peers and its floor in the same run; all of them if none is named.",
        epilog="rows: " + " ".join(ROWS),
    )
    parser.add_argument("rows", nargs="*", metavar="row")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in turn, at least 5 (5)")
    parser.add_argument("--seconds", type=float, default=4, help="of closed-loop load a server and round (4)")
    parser.add_argument("--open-seconds", type=float, default=3, help="of open-loop load a server and round (3)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 s: shows that it works; no result, never kept")
    parser.add_argument("--dist", default=Options.dist, metavar="DIR", help="build folder of preset dist (build/dist)")
    parser.add_argument("--no-build", action="store_true", help="uses what is built")
    parser.add_argument("--no-write", action="store_true", help="keeps nothing in bench/results/")
    parser.add_argument("--picture", action="store_true", help="only draws bench/results/results.svg anew")
    given = parser.parse_args()
    unknown = [name for name in given.rows if name not in ROWS]
    if unknown:
        parser.error(f'there is no row "{unknown[0]}"; there are: {" ".join(ROWS)}')
    if not given.quick and given.rounds < 5:
        parser.error("fewer than 5 rounds are no result; --quick has 2")
    options = Options(given.rounds, given.seconds, given.open_seconds, given.quick, not given.no_build, not given.no_write, os.path.abspath(given.dist))
    if given.quick:
        options.rounds, options.seconds, options.open_seconds = 2, 1, 1
    if given.picture:
        picture.draw(RESULTS)
        sys.exit(0)
    return options, given.rows or list(ROWS)


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _run(name: str, options: Options, missing: "dict[str, str]"):
    row = ROWS[name]
    context = Context(options, name)
    context.facts["missing"] = missing
    try:
        return (row.run or measure.run)(row, context, _say)
    finally:
        context.close()


def _keep(result) -> str:
    reason = result.publishable()
    if reason:
        return f"  not kept: {reason}"
    os.makedirs(RESULTS, exist_ok=True)
    path = os.path.join(RESULTS, f"{result.name}.json")
    with open(path, "w") as file:
        json.dump(result.to_json(), file, indent=1)
        file.write("\n")
    picture.draw(RESULTS)
    return f"  kept in {os.path.relpath(path, TOP)}"


def main() -> int:
    options, names = _options()
    if (os.cpu_count() or 1) < 2:
        print("bench: needs two cores, one for the server and one for the load", file=sys.stderr)
        return 1
    for tool in ("wrk", "h2load"):
        if not shutil.which(tool):
            print(f"bench: {tool} is missing (tools/setup bench installs it)", file=sys.stderr)
            return 1
    os.makedirs(cache_folder(), exist_ok=True)
    lock = open(os.path.join(cache_folder(), "lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("bench: another bench/run is at work on this machine; waiting for it", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    missing: "dict[str, str]" = {}
    if options.build:
        try:
            build.dist(options, [target for name in names for target in ROWS[name].targets])
        except (build.Failed, OSError) as error:
            print(f"bench: not built: {error}", file=sys.stderr)
            return 1
        missing = build.peers(peer for name in names for peer in ROWS[name].peers)
    stood = True
    for name in names:
        result = _run(name, options, missing)
        _say("")
        print(report.text(result))
        if options.write:
            print(_keep(result), flush=True)
        stood = stood and not result.void
    return 0 if stood else 1


if __name__ == "__main__":
    sys.exit(main())
