"""The patches as files: written by tools/pd_patches, vanilla, tidy, and in step with the engine's one table."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from pd_patches import patches
from pd_patches.canvas import Canvas

from heart import namespace as ns
from rig.pd import FOLDER

FILES = sorted([*FOLDER.rglob("*.pd"), *(FOLDER.parent / "concert").glob("*.pd")])
OBJECTS = sorted(
    path.stem for path in FOLDER.glob("heart.*.pd") if not path.stem.endswith("-help") and path.stem != "heart"
)
VANILLA = """
* *~ +~ + - == max adc~ append array bang~ bang block~ change clip dac~ declare del drawpolygon env~ expr f file
filledpolygon get int key
inlet inlet~ line~ list loadbang makefilename metro moses msg netreceive netsend noise~ oscformat oscparse
outlet outlet~ pack pdcontrol pipe pointer print r r~ route s s~ samplerate~ savepanel sel send set sig~ snapshot~
spigot struct symbol t tabread tabread~ tabreceive~ tabsend~ tabwrite timer unpack until v vline~ writesf~ bng
tgl hsl hradio line vradio vu cnv
"""
"""Objects of Pd itself that the patches may use."""

PLUGS = {"inside/knob", "inside/choice"}


def boxes(path: Path, kind: str) -> list[str]:
    """The texts of a file's boxes of one kind, as Pd reads them."""
    found = re.findall(rf"^#X {kind} \d+ \d+ (.+?)(?:, f \d+)?;$", path.read_text(), re.MULTILINE | re.DOTALL)
    return [
        re.sub(r"\s+", " ", text.replace("\\$", "$").replace(" \\,", ",").replace(" \\;", ";")) for text in found
    ]


def spoken() -> dict[str, tuple[str, ...]]:
    """Every address that some patch sends with its arguments, as far as they stand in the patch."""
    found: dict[str, tuple[str, ...]] = {}
    for path in FILES:
        for text in boxes(path, "msg"):
            for message in text.split(","):
                address, *args = message.split() or [""]
                if address.startswith("/heart/"):
                    found[address] = tuple(args)
        for text in boxes(path, "obj"):
            name, *args = text.split()
            if name in PLUGS and not args[1].startswith("$"):
                for verb in ("set", "get", "listen", "value"):
                    found[f"/heart/{verb}/{args[1]}"] = ()
            if name == "oscformat" and args:
                words = args[2:] if args[0] == "-f" else args
                found["/" + "/".join(words)] = ()
    return found


@pytest.fixture(scope="module")
def made() -> dict[str, Canvas]:
    return patches()


def test_the_files_are_what_the_builder_writes(made: dict[str, Canvas]) -> None:
    written = {f"{name}.pd": "\n".join(canvas.text_of()) + "\n" for name, canvas in made.items()}
    found = {os.path.relpath(path, FOLDER): path.read_text() for path in FILES}
    assert written == found, "run: PYTHONPATH=engine:tools python -m pd_patches"


def test_no_box_lies_on_another(made: dict[str, Canvas]) -> None:
    assert not [line for canvas in made.values() for line in canvas.overlaps()]


def test_the_check_for_overlaps_sees_one() -> None:
    c = Canvas("control", 100, 100)
    c.obj(10, 10, "metro 100")
    c.sub(200, 200, inner := Canvas("inner", 100, 100))
    inner.obj(10, 10, "a")
    inner.obj(30, 20, "b")
    c.obj(20, 25, "print")
    assert len(c.overlaps()) == 2


@pytest.mark.parametrize("name", OBJECTS)
def test_each_object_has_a_help_with_itself_in_it_and_is_in_the_readme(name: str) -> None:
    objects = [text.split()[0] for text in boxes(FOLDER / f"{name}-help.pd", "obj")]
    assert name in objects
    assert f"`{name}" in (FOLDER / "README.md").read_text()


def test_every_address_in_a_patch_is_in_the_table_with_values_it_may_have() -> None:
    found = spoken()
    assert {"/heart/hello", "/heart/credit", "/heart/nack", "/heart/panic", "/heart/set/bpm"} <= set(found)
    for address, args in found.items():
        row = ns.find(address)
        assert row is not None, address
        if args and "$" not in " ".join(args):
            ns.check(address, [_value(arg) for arg in args], "client")


def _value(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def test_every_address_of_the_table_is_in_a_patch() -> None:
    found = set(spoken())
    routes = " ".join(text for path in FILES for text in boxes(path, "obj") if text.startswith("route "))
    for path, row in ns.ROWS.items():
        if row.direction in ("in", "both"):
            by_rule = path.startswith("/heart/norm/") or re.fullmatch(r"/heart/in/\d", path)
            assert by_rule or path in found, f"{path}: in no patch"
        else:
            assert path.split("/")[2] in routes.split(), f"{path}: no patch listens for it"


def test_every_parameter_has_a_control() -> None:
    plugs = {
        text.split()[2] for text in boxes(FOLDER / "heart.engine-help.pd", "obj") if text.startswith("inside/knob")
    }
    assert plugs == set(ns.PARAMS)


def test_the_patches_are_vanilla() -> None:
    """No externals: every object is one of Pd's own or a file beside the patch."""
    vanilla = set(VANILLA.split())
    used = {text.split()[0] for path in FILES for text in boxes(path, "obj")}
    own = {name for name in used if (FOLDER / f"{name}.pd").exists()}
    assert {"heart.engine", "inside/client", "inside/from"} <= own
    strangers = {name for name in used - own - vanilla if not re.fullmatch(r"\$?\d+|switch~", name)}
    assert not strangers


def test_no_number_in_a_patch_is_longer_than_pd_can_save() -> None:
    for path in FILES:
        assert not re.findall(r"(?<![\w#.])\d{7,}", path.read_text()), path.name


QUIT = """#N canvas 0 0 400 200 12;
#X obj 9 9 loadbang;
#X obj 9 39 del 700;
#X msg 9 69 \\; pd quit;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
"""


def printed(folder: Path, *patches: Path) -> list[str]:
    """What Pd prints in its first 0.7 s with these patches open."""
    (folder / "quit.pd").write_text(QUIT)
    command = ["pd", "-nogui", "-nrt", "-noaudio", "-nomidi", "-stderr", "-path", str(FOLDER)]
    files = [*map(str, patches), str(folder / "quit.pd")]
    done = subprocess.run(
        [*command, *files], capture_output=True, text=True, errors="replace", timeout=30, check=True
    )
    return done.stderr.replace("\\", "").splitlines()


def test_pd_opens_every_patch_without_a_complaint(tmp_path: Path) -> None:
    said = printed(
        tmp_path, *(path for path in FILES if path.parent == FOLDER and "heart.engine.pd" not in path.name)
    )
    assert any("no answer" in line for line in said), said[-5:]
    known = ("heart-", "heart.engine: symbol two", "verbose(3)")  # each object alone, so several engines named 0
    assert not [line for line in said if not line.startswith(known)]


def test_two_engines_of_one_name_are_told_in_words(tmp_path: Path) -> None:
    patch = tmp_path / "two.pd"
    one, two = "#X obj 9 9 heart.engine x;\n", "#X obj 9 59 heart.engine y;\n"
    patch.write_text("#N canvas 0 0 400 200 12;\n" + one + two)
    assert not any("same name" in line for line in printed(tmp_path, patch))
    patch.write_text("#N canvas 0 0 400 200 12;\n" + one + one)
    assert any("same name" in line for line in printed(tmp_path, patch))


def test_channels_beyond_eight_are_told_in_words(tmp_path: Path) -> None:
    patch = tmp_path / "many.pd"
    patch.write_text("#N canvas 0 0 400 200 12;\n#X obj 9 9 heart.engine x;\n#X obj 9 59 heart.receive~ 99 x;\n")
    assert any("channels are 1 to 8" in line for line in printed(tmp_path, patch))
