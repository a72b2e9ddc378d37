"""bench/results/results.svg: each kept row as bars, drawn from the JSON files beside it."""

import glob
import json
import os
from html import escape
from typing import Dict, List

WIDTH, LEFT, RIGHT, BAR, GAP = 860, 190, 230, 18, 6
OURS, FLOOR, PEER = "#1f6feb", "#8c959f", "#d0a215"


def _text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", weight: str = "normal", fill: str = "#1f2328") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">{escape(words)}</text>'


def _bars(case: Dict, floor: "str | None", figure: str, y: float) -> "tuple[List[str], float]":
    servers = [server for server in case["servers"] if figure in server["median"]]
    most = max((server["median"][figure] for server in servers), default=0) or 1
    base = next((server["median"][figure] for server in servers if server["server"] == floor), 0)
    parts = []
    for server in servers:
        value, spread = server["median"][figure], server["spread"][figure]
        length = (WIDTH - LEFT - RIGHT) * value / most
        colour = FLOOR if server["server"] == floor else OURS if server["server"].startswith("yun") else PEER
        ratio = f", {value / base:.2f}x" if base and figure == "cpu" else ""
        parts.append(_text(LEFT - 8, y + 13, server["server"], anchor="end"))
        parts.append(f'<rect x="{LEFT}" y="{y:.0f}" width="{max(1, length):.1f}" height="{BAR}" fill="{colour}"/>')
        parts.append(_text(LEFT + length + 6, y + 13, f"{value:,.2f}{ratio}, spread {spread:.0%}"))
        y += BAR + GAP
    return parts, y


def _row(row: Dict, y: float) -> "tuple[List[str], float]":
    parts = [_text(16, y, f"{row['row']}: {row['title']}", 14, weight="bold")]
    y += 18
    for case in row["cases"]:
        figures = sorted({figure for server in case["servers"] for figure in server["median"]} - {"rate", "p50", "p90", "p99", "p999", "max", "rss"})
        for figure in figures:
            words = f"CPU µs a {case['unit']} of the server" if figure == "cpu" else figure
            parts.append(_text(16, y + 4, f"{case['case']}: {words}" if case["case"] else words, fill="#59636e"))
            bars, y = _bars(case, row["floor"], figure, y + 12)
            parts += bars
            y += 10
    for goal in row["goals"]:
        where = f"{goal['case']}: " if goal["case"] else ""
        ratio = "-" if goal["ratio"] is None else f"{goal['ratio']:.2f}"
        parts.append(_text(16, y + 4, f"goal {where}{goal['goal']}: {ratio}, {goal['verdict']}"))
        y += 17
    return parts, y + 26


def draw(folder: str) -> None:
    rows = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path) as file:
            rows.append(json.load(file))
    if not rows:
        return
    parts, y = [], 30.0
    for row in rows:
        machine = row["machine"]
        drawn, y = _row(row, y)
        parts += drawn
        parts.append(_text(16, y - 22, f"{row['date']}, {row['rounds']} rounds, {machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}", 11, fill="#59636e"))
        y += 14
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}" viewBox="0 0 {WIDTH} {y:.0f}" font-family="sans-serif">'
    with open(os.path.join(folder, "results.svg"), "w") as file:
        file.write("\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *parts, "</svg>"]) + "\n")
