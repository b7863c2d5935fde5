"""A .maxpat becomes objects and cords; boxes named like a file of the package become its patch."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py2max.m4l import unpack_amxd

from rig.max_host.core import KINDS, Atom, Obj, atom

if TYPE_CHECKING:
    from rig.max_host.host import MaxHost

Box = dict[str, Any]
End = tuple[Obj, int]


class Patch:
    """One instance of a patcher. `inlets` and `outlets` are its doors, left to right."""

    def __init__(self, host: MaxHost, patcher: dict[str, Any], args: list[Atom]) -> None:
        self.host, self.args = host, args
        host.instances += 1
        self.number = host.instances
        self.things: dict[str, Obj | Patch] = {}
        boxes = [entry["box"] for entry in patcher["boxes"]]
        for box in boxes:
            self.things[box["id"]] = self._make(box)
        self.named = {box["varname"]: self.things[box["id"]] for box in boxes if "varname" in box}
        at = {box["id"]: box["patching_rect"] for box in boxes}
        for line in patcher["lines"]:
            (source, outlet), (target, inlet) = (line["patchline"][end][:2] for end in ("source", "destination"))
            join((self.things[source], outlet), (self.things[target], inlet), at[target])
        self.inlets = self._doors(boxes, "inlet")
        self.outlets = self._doors(boxes, "outlet")

    def _doors(self, boxes: list[Box], kind: str) -> list[Obj]:
        doors = sorted((b for b in boxes if b["maxclass"] == kind), key=lambda b: b["patching_rect"][0])
        return [self.things[box["id"]] for box in doors]

    def _make(self, box: Box) -> Obj | Patch:
        if "patcher" in box:
            return Patch(self.host, box["patcher"], self.args)
        if box["maxclass"] == "message":
            return self._object("message", [box["text"]], {})
        if box["maxclass"] != "newobj":
            return self._object(box["maxclass"], [], {})
        text = re.sub(r"#(\d)", self._argument, box["text"])
        words = [word.strip('"') for word in shlex.split(text, posix=False)]
        first = next((n for n, word in enumerate(words) if word.startswith("@")), len(words))
        args: list[Atom] = [atom(word) for word in words[1:first]]
        attrs: dict[str, list[Atom]] = {}
        for word in words[first:]:
            if word.startswith("@"):
                attrs[word[1:]] = last = []
            else:
                last.append(atom(word))
        return self._object(words[0], args, attrs)

    def _argument(self, found: re.Match[str]) -> str:
        n = int(found.group(1))
        if n == 0:
            return str(self.number)
        return str(self.args[n - 1]) if n <= len(self.args) else "0"

    def _object(self, name: str, args: list[Atom], attrs: dict[str, list[Atom]]) -> Obj | Patch:
        if name in KINDS:
            made = KINDS[name](self.host, args, attrs)
            made.patcher_args = self.args
            self.host.objects.append(made)
            return made
        return Patch(self.host, read(self.host.folder / f"{name}.maxpat"), args)


def read(path: Path) -> dict[str, Any]:
    """The patcher of a .maxpat or .amxd file."""
    raw = path.read_bytes()
    whole: dict[str, Any] = json.loads(unpack_amxd(raw)[0] if path.suffix == ".amxd" else raw)["patcher"]
    return whole


def join(source: tuple[Obj | Patch, int], target: tuple[Obj | Patch, int], at: list[float]) -> None:
    """A cord; one to or from a patch ends at its doors."""
    (giver, outlet), (taker, inlet) = source, target
    if isinstance(giver, Patch):
        giver, outlet = giver.outlets[outlet], 0
    if isinstance(taker, Patch):
        taker, inlet = taker.inlets[inlet], 0
    giver.connect(outlet, taker, inlet, at[0], at[1])
    taker.ins.setdefault(inlet, []).append((giver, outlet))
