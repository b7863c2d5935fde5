"""What is wrong with a patch, told without Max: py2max's checks and those of this house.

findings(path, package)    one line each; none for a good patch
addresses(path)            every OSC address that its boxes name
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from py2max import Patcher
from py2max.core.common import text_width
from py2max.core.factory import unknown_attrs
from py2max.lint import lint
from py2max.m4l import unpack_amxd

Box = dict[str, Any]
STRIP_HEIGHT = 169
_STRUCTURE = {
    "id",
    "maxclass",
    "numinlets",
    "numoutlets",
    "outlettype",
    "patching_rect",
    "text",
    "patcher",
    "saved_object_attributes",
}
_ADDRESS = re.compile(r"/heart(?:/[\w%]+)+")
_NAMED = re.compile(r"^(s|send|send~|r|receive|receive~)$")


def read(path: Path) -> dict[str, Any]:
    """The patcher of a .maxpat, .maxhelp or .amxd."""
    raw = path.read_bytes()
    text = unpack_amxd(raw)[0] if path.suffix == ".amxd" else raw
    whole: dict[str, Any] = json.loads(text)["patcher"]
    return whole


def patches(package: Path) -> list[Path]:
    """Every patch of the package."""
    return sorted(p for p in package.rglob("*") if p.suffix in (".maxpat", ".maxhelp", ".amxd"))


def levels(patcher: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The patcher and all within it."""
    yield patcher
    for entry in patcher["boxes"]:
        if "patcher" in entry["box"]:
            yield from levels(entry["box"]["patcher"])


def boxes(patcher: dict[str, Any]) -> Iterator[Box]:
    for level in levels(patcher):
        for entry in level["boxes"]:
            yield entry["box"]


def addresses(path: Path) -> set[str]:
    """OSC addresses in boxes; comments do not count."""
    found: set[str] = set()
    for box in boxes(read(path)):
        if box["maxclass"] != "comment":
            found |= set(_ADDRESS.findall(box.get("text", "")))
    return found


def findings(path: Path, package: Path) -> list[str]:
    """Everything that is wrong with the patch at `path`; the package's own objects lie under `package`."""
    patcher = read(path)
    found = [*_py2max(patcher, package), *_names(patcher, path.suffix == ".amxd")]
    for level in levels(patcher):
        found += [*_fan_out(level), *_presentation(level)]
    for box in boxes(patcher):
        found += [*_attributes(box), *_lists(box), *_files(box, package), *_ports(box, package), *_room(box)]
    if path.suffix == ".amxd":
        found += _device(patcher)
    return [f"{path.name}: {text}" for text in found]


def name_of(box: Box) -> str:
    text = box.get("text", "")
    return text.split()[0] if box["maxclass"] == "newobj" and text else box["maxclass"]


def _ours(name: str, package: Path) -> Path | None:
    path = package / "patchers" / f"{name}.maxpat"
    return path if path.exists() else None


def _py2max(patcher: dict[str, Any], package: Path) -> Iterator[str]:
    for finding in lint(Patcher.from_dict(copy.deepcopy(patcher))):
        name = re.search(r"object '(.+?)' is not in", finding.message)
        if name and (_ours(name.group(1), package) or name.group(1).startswith("test.")):
            continue  # test.: of Cycling '74's max-test
        if "W-OFFCANVAS" in str(finding) and patcher.get("openinpresentation"):
            continue  # the window is that of the presentation, see _presentation
        yield str(finding)


def _attributes(box: Box) -> Iterator[str]:
    written = re.findall(r"@(\w+)", box.get("text", "")) if box["maxclass"] == "newobj" else []
    for key in unknown_attrs(name_of(box), [k for k in (*box, *written) if k not in _STRUCTURE]):
        yield f"{name_of(box)} has no attribute {key}"


def _lists(box: Box) -> Iterator[str]:
    if name_of(box).startswith("zl") and "@zlmaxsize" not in box.get("text", ""):
        yield f"{box['text']}: without @zlmaxsize it cuts lists at 256 items"


def _files(box: Box, package: Path) -> Iterator[str]:
    wanted = []
    if name_of(box) in ("js", "v8", "jsui"):
        wanted.append(box["text"].split()[1])
    if box["maxclass"] == "bpatcher":
        wanted.append(box["name"])
    wanted += re.findall(r'^load "?([^"]+\.max(?:help|pat))', box.get("text", ""))
    for name in wanted:
        if not list(package.rglob(name)):
            yield f"{name} is not in the package"


def _ports(box: Box, package: Path) -> Iterator[str]:
    name = box["name"].removesuffix(".maxpat") if box["maxclass"] == "bpatcher" else name_of(box)
    path = _ours(name, package)
    if path:
        kinds = Counter(b["box"]["maxclass"] for b in read(path)["boxes"])
        has, drawn = (kinds["inlet"], kinds["outlet"]), (box["numinlets"], box["numoutlets"])
        if has != drawn:
            yield f"{name} has {has[0]} inlets and {has[1]} outlets, drawn with {drawn[0]} and {drawn[1]}"


def _room(box: Box) -> Iterator[str]:
    text = box.get("text", "")
    wide = max(text_width(line, 12) for line in text.split("\r"))
    if box["maxclass"] in ("newobj", "message") and wide > box["patching_rect"][2]:
        yield f"{text[:40]!r} is wider than its box"


def _fan_out(level: dict[str, Any]) -> Iterator[str]:
    """Several cords from one outlet of messages: their order would hang on where boxes lie."""
    ends = Counter((line["patchline"]["source"][0], line["patchline"]["source"][1]) for line in level["lines"])
    by_id = {entry["box"]["id"]: entry["box"] for entry in level["boxes"]}
    for (source, outlet), count in ends.items():
        box = by_id.get(source)
        if count > 1 and box is not None and not _is_signal(box, outlet):
            yield f"{count} cords leave outlet {outlet + 1} of {box.get('text') or box['maxclass']!r}: use t"


def _is_signal(box: Box, outlet: int) -> bool:
    types = box.get("outlettype") or []
    return (
        name_of(box).endswith("~")
        or (outlet < len(types) and types[outlet] == "signal")
        or box["maxclass"] == "inlet"
    )


def _presentation(level: dict[str, Any]) -> Iterator[str]:
    shown = [e["box"] for e in level["boxes"] if e["box"].get("presentation")]
    faces = [box for box in shown if not box.get("background")]
    if level.get("openinpresentation"):
        for box in shown:
            x, y, w, h = box["presentation_rect"]
            if x < 0 or y < 0 or x + w > level["rect"][2] or y + h > level["rect"][3]:
                yield f"in presentation {_called(box)} lies outside the window"
    for one, two in combinations(faces, 2):
        a, b = one["presentation_rect"], two["presentation_rect"]
        if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]:
            yield f"in presentation {_called(one)} lies on {_called(two)}"


def _called(box: Box) -> str:
    return str(box.get("varname") or box.get("text") or box["maxclass"])


def _names(patcher: dict[str, Any], device: bool) -> Iterator[str]:
    """A local name that is sent to and never received, or the other way round."""
    said: set[str] = set()
    heard: set[str] = set()
    local = "---" if device else "#0."
    for box in boxes(patcher):
        words = box.get("text", "").split()
        if box["maxclass"] == "newobj" and len(words) > 1 and _NAMED.match(words[0]) and words[1].startswith(local):
            (said if words[0].startswith("s") else heard).add(words[1])
    yield from (f"nobody receives {name}" for name in sorted(said - heard))
    yield from (f"nobody sends to {name}" for name in sorted(heard - said))


def _device(patcher: dict[str, Any]) -> Iterator[str]:
    for box in boxes(patcher):
        if "#0" in box.get("text", ""):
            yield f"{box['text']}: #0 does not expand in a device, --- does"
        if name_of(box) == "node.script":
            yield "node.script is forbidden in a device"
        if name_of(box) in ("js", "v8", "bpatcher", "array.tobuffer") or name_of(box).startswith("heart."):
            yield f"{name_of(box)} needs a file or a Max that a device may not find"
    for entry in patcher["boxes"]:
        rect = entry["box"].get("presentation_rect")
        if rect and rect[1] + rect[3] > STRIP_HEIGHT:
            yield f"{_called(entry['box'])} lies below Live's strip"
