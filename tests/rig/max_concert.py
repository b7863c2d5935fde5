"""The concert patch for Max, run without Max: hands that click its faces, eyes that read its stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.max_host import MaxHost
from rig.max_host.patch import Patch, read
from rig.pd import free_port

CONCERT = Path(__file__).parents[2] / "patches" / "concert" / "SoundsOfTheHeart.maxpat"


@dataclass
class Concert:
    """The opened patch, with hands and eyes."""

    host: MaxHost
    patch: Patch

    def face(self, name: str) -> Any:
        return self.patch.named[name]

    def click(self, name: str, *value: Any) -> None:
        self.host.turn(self.patch, name, *(value or ("bang",)))

    def shows(self, name: str) -> str:
        return str(self.face(name).value)

    def wait_shown(self, name: str, words: str) -> None:
        self.host.wait_until(
            lambda: self.shows(name) == words, 4, f"{name} shows {words!r}, not {self.shows(name)!r}"
        )


def opened(host: MaxHost, engine_port: int, here: Path) -> Concert:
    """The patch, its engine at another port than the usual one; audio is off as in a Max just started."""
    patcher = read(CONCERT)
    [engine] = [e["box"] for e in patcher["boxes"] if e["box"].get("text") == "heart.engine"]
    engine["text"] += f" 127.0.0.1 {engine_port} {free_port()}"
    host.here, host.dsp_on = here, False
    concert = Concert(host, Patch(host, patcher, []))
    host.start()
    return concert
