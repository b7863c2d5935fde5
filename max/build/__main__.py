"""`python -m max.build [--out DIR]`: write the package. `make patches`."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from max.build import concert, device, helps, icon, maxtest, overview, refpages
from max.build.catalogue import OBJECTS
from max.build.lint import read
from max.build.picture import svg
from max.build.sheet import PACKAGE, Sheet

from heart import __version__

PICTURES = {
    "max-first-sound": ("examples/First sound.maxpat", False),
    "max-engine": ("patchers/heart.engine.maxpat", False),
    "max-channel": ("patchers/heart.channel~.maxpat", False),
    "max-device": ("devices/SoundsOfTheHeart.amxd", True),
    "max-help": ("help/heart.beat.maxhelp", False),
}
"""The pictures of docs/max.md: file, and whether its presentation."""

ROOT = Path(__file__).resolve().parents[1]


def write(out: Path) -> None:
    """All files that are made, under `out` (the package) and, for the tests, beside it."""
    sheets: dict[str, Sheet] = {}
    for entry in OBJECTS:
        sheets[entry.name] = sheet = entry.build(Sheet(entry.name))
        sheet.save(out / "patchers" / f"{entry.name}.maxpat")
    for entry in OBJECTS:
        sheet = sheets[entry.name]
        page = out / "docs" / "refpages" / f"{entry.name}.maxref.xml"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(refpages.build(entry, sheet.doors, PACKAGE[entry.name]), encoding="utf-8")
        if not entry.inner:
            helps.build(entry, sheet.doors, sheet.presentation).save(out / "help" / f"{entry.name}.maxhelp")
    overview.overview().save(out / "extras" / f"{overview.NAME}.maxpat")
    for name, _, _ in overview.EXAMPLES:
        overview.example(name, sheets["heart.panel"].presentation).save(out / "examples" / f"{name}.maxpat")
    device.build(Sheet("Sounds of the Heart", "---")).save_device(out / "devices" / "SoundsOfTheHeart.amxd")
    stage = out.parent / "patches" / "concert" / f"{concert.NAME}.maxpat"
    concert.build(Sheet(concert.NAME)).save(stage)
    for name, sheet in maxtest.build().items():
        sheet.save(out.parent / "tests" / "max" / f"{name}.maxtest.maxpat")
    for name, (path, presentation) in PICTURES.items():
        picture = svg(_part(out / path), presentation, out)
        (out.parent / "docs").mkdir(exist_ok=True)
        (out.parent / "docs" / f"{name}.svg").write_text(picture, encoding="utf-8")
    shown = svg(concert.played(read(stage)), True)
    (out.parent / "docs" / "concert-max.svg").write_text(shown, encoding="utf-8")
    (out / "init").mkdir(exist_ok=True)
    (out / "init" / "sounds-of-the-heart.txt").write_text(_init(), encoding="utf-8")
    (out / "package-info.json").write_text(json.dumps(_info(), indent=4) + "\n", encoding="utf-8")


def _part(path: Path) -> dict[str, Any]:
    """The patch to draw: of a help file, its first tab."""
    patcher = read(path)
    return patcher["boxes"][0]["box"]["patcher"] if path.suffix == ".maxhelp" else patcher


def _init() -> str:
    """What Max runs at its start: the objects' names for completion."""
    return "".join(f"max oblist heart {entry.name};\n" for entry in OBJECTS if not entry.inner)


def _info() -> dict[str, object]:
    """package-info.json."""
    system = {"platform": ["x64", "aarch64"]}
    return {
        "name": "sounds-of-the-heart",
        "displayname": "Sounds of the Heart",
        "version": __version__.split(".dev")[0],
        "author": "Sounds of the Heart",
        "authors": ["Sounds of the Heart"],
        "description": "A heart that sings, streamed into Max over OSC: sound, beats to the sample, "
        "parameters, and what the ear hears.",
        "tags": ["audio", "OSC", "generative", "biosignals", "diffusion"],
        "max_version_min": "8.0",
        "max_version_max": "none",
        "os": {
            "macintosh": {"min_version": "10.13", **system},
            "windows": {"min_version": "10", "platform": ["x64"]},
        },
        "homepatcher": "Sounds of the Heart.maxpat",
        "package_extra": {
            "reverse_domain": "org.sounds-of-the-heart",
            "copyright": "MIT licence",
            "forcerestart": 0,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m max.build", description=__doc__)
    parser.add_argument(
        "--out",
        type=Path,
        default=ROOT,
        help="folder of the package (default: %(default)s); patches for max-test go to tests/max beside it",
    )
    parser.add_argument("--icon", action="store_true", help="draw icon.png anew, too")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # py2max warns of our own objects, which it cannot know
    write(args.out)
    if args.icon:
        icon.draw(args.out / "icon.png")


if __name__ == "__main__":
    main()
