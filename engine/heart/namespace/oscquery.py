"""The table as an OSCQuery tree, and the answers to what may be asked of it.

The OSCQuery proposal (github.com/Vidvox/OSCQueryProposal): every address is a node with its attributes; a
query names a path and at most one attribute. No socket here: `answer` gives a status and what to send as JSON.

    /heart/set/<param>, /heart/norm/<param>     read and write: VALUE is what the parameter is now
    other rows to the engine                    write only: they are requests and have no value
    rows from the engine                        read only; VALUE is the last that was said, `{}` before that
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from heart.namespace.table import ROWS, Arg, Row

Node = dict[str, Any]
ValueOf = Callable[[str], tuple[Any, ...] | None]
"""What an address says now; None: nothing yet."""

ATTRIBUTES = ("FULL_PATH", "CONTENTS", "TYPE", "ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT")
UNSUPPORTED = ("TAGS", "EXTENDED_TYPE", "CRITICAL", "CLIPMODE", "OVERLOADS")
"""Of the proposal, but not of ours."""
EXTENSIONS = {
    **dict.fromkeys(("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "LISTEN", "OSC_STREAMING"), True),
    **dict.fromkeys((*UNSUPPORTED, "PATH_ADDED", "PATH_REMOVED", "PATH_RENAMED", "PATH_CHANGED"), False),
}
OK, NO_CONTENT, BAD_REQUEST, NOT_FOUND = 200, 204, 400, 404
FEW = 8
"""Arguments that may follow are listed in TYPE one by one up to here; of more (sound) the first stands for all."""


def host_info(name: str, ip: str, port: int, web_port: int) -> Node:
    """HOST_INFO of an engine that is reached at `ip`, with its OSC and its HTTP port."""
    return {
        "NAME": name,
        "EXTENSIONS": EXTENSIONS,
        "OSC_IP": ip,
        "OSC_PORT": port,
        "OSC_TRANSPORT": "UDP",
        "WS_IP": ip,
        "WS_PORT": web_port,
    }


def answer(path: str, query: str, value_of: ValueOf) -> tuple[int, Node | None]:
    """Status and JSON object for GET `path`?`query` (HOST_INFO is not of the table: see `host_info`)."""
    node = find_node(path)
    if node is None:
        return NOT_FOUND, None
    if not query:
        return OK, with_values(node, value_of)
    if query in UNSUPPORTED:
        return NO_CONTENT, None
    if query not in ATTRIBUTES:
        return BAD_REQUEST, None
    if query == "VALUE":
        return _value(node, value_of)
    found = with_values(node, value_of) if query == "CONTENTS" else node
    return (OK, {query: found[query]}) if query in found else (NO_CONTENT, None)


def _value(node: Node, value_of: ValueOf) -> tuple[int, Node | None]:
    if not node["ACCESS"] & 1:
        return NO_CONTENT, None
    value = value_of(node["FULL_PATH"])
    return OK, {} if value is None else {"VALUE": list(value)}


def with_values(node: Node, value_of: ValueOf) -> Node:
    """A copy of `node` and all below it with what is known of their values."""
    full = dict(node)
    value = value_of(node["FULL_PATH"]) if node["ACCESS"] & 1 else None
    if value is not None:
        full["VALUE"] = list(value)
    if "CONTENTS" in node:
        full["CONTENTS"] = {name: with_values(inner, value_of) for name, inner in node["CONTENTS"].items()}
    return full


def find_node(path: str) -> Node | None:
    """The node at `path`, or None; a slash at its end does not matter."""
    node = tree()
    for word in path.strip("/").split("/") if path.strip("/") else ():
        node = node.get("CONTENTS", {}).get(word)
        if node is None:
            return None
    return node


@lru_cache(maxsize=1)
def tree() -> Node:
    """The whole table without values. Shared: not to be changed."""
    root: Node = {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}
    for row in ROWS.values():
        node, path = root, ""
        for word in row.path.strip("/").split("/"):
            path += "/" + word
            node = node.setdefault("CONTENTS", {}).setdefault(word, {"FULL_PATH": path, "ACCESS": 0})
        node.update(_attributes(row))
    return root


def _attributes(row: Row) -> Node:
    args = row.args + ((row.rest,) * (row.most if row.most <= FEW else 1) if row.rest else ())
    node: Node = {"ACCESS": _access(row), "DESCRIPTION": row.words}
    # A request without arguments has no type: the proposal lets it be left out.
    if args:
        node["TYPE"] = "".join(a.type for a in args)
        node["RANGE"] = [_range(a) for a in args]
    if any(a.unit for a in args):
        node["UNIT"] = [a.unit or None for a in args]
    return node


def _access(row: Row) -> int:
    if row.path.startswith(("/heart/set/", "/heart/norm/")):
        return 3
    return {"out": 1, "in": 2, "both": 3 if row.args else 2}[row.direction]


def _range(arg: Arg) -> Node | None:
    if arg.choices:
        return {"VALS": list(arg.choices)}
    bounds = {"MIN": arg.low, "MAX": arg.high}
    return {key: bound for key, bound in bounds.items() if bound is not None} or None
