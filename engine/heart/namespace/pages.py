"""The table for people and programs: terminal text, docs/osc.md, OSCQuery JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from heart.namespace.checks import range_text
from heart.namespace.oscquery import tree
from heart.namespace.table import MAX_INT, PARAMS, ROWS, Arg, Row

_PREFACE = Path(__file__).with_name("preface.md")


def families() -> dict[str, list[Row]]:
    """Rows under the name documentation groups them by; one list a family, order kept."""
    groups: dict[str, list[Row]] = {}
    for row in ROWS.values():
        groups.setdefault(row.family or row.path, []).append(row)
    return groups


def _signature(row: Row) -> str:
    tail = [f"{row.rest.name}:{row.rest.type}..."] if row.rest else []
    return " ".join([f"{a.name}:{a.type}" for a in row.args] + tail)


_ARROWS = {"in": "in ", "out": "out", "both": "i/o"}


def as_text() -> str:
    """The table for a terminal: one address a line, "in" = to the engine, "out" = from it."""
    width = max(len(path) for path in ROWS)
    lines = [
        f"{_ARROWS[r.direction]}  {r.path:<{width}}  {_signature(r)}".rstrip() + f"\n     {r.words}"
        for r in ROWS.values()
    ]
    return "\n".join(lines) + "\n"


def as_json() -> str:
    """The table as an OSCQuery tree, without values."""
    return json.dumps(tree(), indent=1, ensure_ascii=False)


def as_markdown() -> str:
    """docs/osc.md: what the protocol is, the addresses by family, the parameters, every argument."""
    return "\n".join([_PREFACE.read_text(encoding="utf-8"), *_markdown_params(), *_markdown_rows()]) + "\n"


def _markdown_params() -> Iterator[str]:
    yield "## Parameters\n"
    yield "Each has `/heart/set/`, `/heart/get/`, `/heart/listen/` and `/heart/value/` + its name;"
    yield "those with a fader law also `/heart/norm/` + its name.\n"
    yield "| name | type | default | values | fader | what |\n|---|---|---|---|---|---|"
    for p in PARAMS.values():
        fader = p.scale if p.continuous else ""
        yield f"| `{p.name}` | {p.type} | {p.default} | {range_text(p.arg())} | {fader} | {p.words} |"


def _markdown_rows() -> Iterator[str]:
    for direction, title in (("in", "To the engine"), ("out", "From the engine"), ("both", "Both ways")):
        groups = {name: rows for name, rows in families().items() if rows[0].direction == direction}
        if not groups:
            continue
        yield f"\n## {title}\n\n| address | arguments | what |\n|---|---|---|"
        for name, rows in groups.items():
            yield f"| `{name}` | {_markdown_args(rows)} | {_markdown_words(rows)} |"


def _markdown_words(rows: list[Row]) -> str:
    row = rows[0]
    if row.family == "/heart/set/<param>":
        return "set a parameter (table above)"
    return row.words.replace(row.param, "`<param>`") if row.param else row.words


def _markdown_args(rows: list[Row]) -> str:
    row = rows[0]
    if row.family in ("/heart/set/<param>", "/heart/value/<param>"):
        return "`value` (table above)"
    parts = [f"`{a.name}:{a.type}` {a.words}{_limits(a)}" for a in row.args]
    if row.rest:
        parts.append(f"then up to {row.most} `{row.rest.name}:{row.rest.type}` {row.rest.words}")
    return "<br>".join(parts)


def _limits(arg: Arg) -> str:
    """The range, unless it is the plain one of its type, which the preface states once."""
    plain = arg.type != "f" and not arg.choices and not arg.unit and arg.high in (None, MAX_INT)
    return "" if plain else f" ({range_text(arg)})"
