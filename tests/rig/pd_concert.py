"""The concert patch in a headless Pd: hands that push its faces, eyes that read its stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.pd import FOLDER, PureData

CONCERT = FOLDER.parent / "concert" / "SoundsOfTheHeart.pd"
SHOWN = (
    "words",
    "trouble",
    "number",
    "name",
    "state",
    "time",
    "left",
    "next",
    "how",
    "bpm",
    "label",
    "heard",
    "trust",
)
ROWS = tuple(f"{what}{n}" for n in range(3) for what in ("row", "end"))


def opened(folder: Path, *ports: int, host: str = "127.0.0.1") -> PureData:
    """The patch with its local names made public, and beside it one that prints what the stage is shown."""
    stage, watch = folder / "stage.pd", folder / "watch.pd"
    text = re.sub(r"\\\$0-(?!pad|heart)", "stage-", CONCERT.read_text()).replace(
        "declare -path ../pd", f"declare -path {FOLDER}"
    )
    stage.write_text(text)
    lines = ["#N canvas 0 0 400 400 12;"]
    for name in (*SHOWN, *ROWS, "choose", "file", "recording"):
        lines += [f"#X obj 9 9 r stage-{name};", f"#X obj 9 9 print shown-{name};"]
    lines += ["#X obj 9 9 r rig-tell;", "#X obj 9 9 route stage folder phrase;", "#X obj 9 9 s heart-concert;"]
    lines += ["#X obj 9 9 s heart-concert-folder;", "#X obj 9 9 list trim;", "#X obj 9 9 s stage-phrase;"]
    at = 2 * len((*SHOWN, *ROWS, "choose", "file", "recording"))
    lines += [f"#X connect {n} 0 {n + 1} 0;" for n in range(0, at, 2)]
    lines += [f"#X connect {at} 0 {at + 1} 0;", f"#X connect {at + 1} 0 {at + 4} 0;"]
    lines += [
        f"#X connect {at + 4} 0 {at + 2} 0;",
        f"#X connect {at + 1} 1 {at + 3} 0;",
        f"#X connect {at + 1} 2 {at + 5} 0;",
    ]
    watch.write_text("\n".join(lines) + "\n")
    return PureData(*ports, patch=stage, beside=(watch,), host=host)


@dataclass
class Concert:
    pd: PureData

    def do(self, *words: Any) -> None:
        """Push or turn a face, as another patch may."""
        self.pd.tell("tell stage " + " ".join(map(str, words)))

    def shows(self, name: str) -> str:
        """The newest words of one place of the stage."""
        said = [rest for kind, rest in self.pd.prints if kind == f"shown-{name}" and rest.split()[0] == "label"]
        return said[-1].removeprefix("label").strip().replace("\\", "") if said else ""

    def size(self, name: str) -> int:
        """Pixels of the newest letters of one place."""
        said = [rest for kind, rest in self.pd.prints if kind == f"shown-{name}" and rest.startswith("label_font")]
        return int(said[-1].split()[2])

    def colour(self, name: str) -> str:
        said = [rest for kind, rest in self.pd.prints if kind == f"shown-{name}" and rest.startswith("color")]
        return said[-1].split()[1] if said else ""

    def wait_shown(self, name: str, words: str, seconds: float = 4) -> None:
        self.pd.wait_until(
            lambda: self.shows(name) == words, seconds, f"{name} shows {words!r}, not {self.shows(name)!r}"
        )
