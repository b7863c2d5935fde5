"""Everything the table has, for the help of heart.engine: each parameter, each address, each answer."""

from __future__ import annotations

from heart.namespace import PARAMS, ROWS, Param, Row
from pd_patches.boxes import Box
from pd_patches.canvas import Canvas

STREAM = ("hello", "credit", "nack", "in", "ping")
"""What inside/client and heart.send~ say by themselves."""


WIDE = 90
"""Characters of a line of words."""
EXAMPLES = {"param": "bpm", "target": "120", "seconds": "10", "in_ms": "500"}
"""Arguments whose smallest value makes a poor example."""


def parameters(name: str) -> Canvas:
    """A control for every parameter: sliders by their range and law, numbers and words to type."""
    rows = (len(PARAMS) + 2) // 3
    c = Canvas("parameters", 1380, 80 + rows * 34)
    c.head(
        "EVERY PARAMETER of the engine's table. What others change moves here too. Words: type one and "
        "press return.",
        120,
    )
    for n, p in enumerate(PARAMS.values()):
        x, y = 20 + n // rows * 460, 60 + n % rows * 34
        plug = c.obj(x + 220, y, f"inside/knob {name} {p.name}")
        control = _control(c, x, y, p)
        control >> plug >> control
    return c


def _control(c: Canvas, x: int, y: int, p: Param) -> Box:
    if p.continuous:
        assert p.low is not None
        assert p.high is not None
        return c.slider(x, y, 110, p.low, p.high, label=p.name, log=p.scale == "log")
    box = c.symbol if p.type == "s" else c.number
    return box(x, y, 14, p.name, size=12, right=True)


def _example(row: Row) -> str:
    """A message for this address with values that it may have."""
    values = []
    for arg in row.args:
        if arg.name in EXAMPLES:
            values.append(EXAMPLES[arg.name])
        elif arg.choices:
            values.append(str(arg.choices[0]))
        elif arg.type == "s":
            values.append("sea.wav")
        else:
            values.append(f"{max(arg.low or 0, 1):g}")
    if row.rest and row.rest.type == "f":
        values += ["0.5", "0.5"]
    return " ".join([row.path, *values])


def addresses(name: str) -> Canvas:
    """A message box for every address that is not a parameter's."""
    told = [
        row
        for path, row in ROWS.items()
        if row.direction != "out" and not row.param and path.split("/")[2] not in STREAM
    ]
    words = [row.words.replace(";", ",") for row in told]
    steps = [max(30, Canvas.height_of(text, WIDE) + 10) for text in words]
    end = 50 + sum(steps)
    c = Canvas("addresses", 1060, end + 70)
    c.head("EVERY OTHER ADDRESS that the engine takes, with values it may have. Click with care.", 100)
    to = c.obj(20, end + 10, f"inside/to {name} tell")
    for n, row in enumerate(told):
        y = 50 + sum(steps[:n])
        c.msg(20, y, _example(row)) >> to
        c.text(400, y, words[n], WIDE)
    return c


def answers(name: str) -> Canvas:
    """A print for each word that the engine says, sound aside."""
    said = list(
        dict.fromkeys(
            path.split("/")[2] for path, row in ROWS.items() if row.direction != "in" and "audio" not in path
        )
    )
    c = Canvas("answers", 1100, 260)
    c.head(
        "EVERYTHING THE ENGINE SAYS comes to the Pd window while the switch is on. Sound goes to heart.receive~.",
        110,
    )
    switch, gate = c.toggle(300, 60, label="print"), c.obj(20, 90, "spigot")
    c.obj(20, 60, f"inside/from {name} said") >> gate
    switch >> gate[1]
    words = c.obj(20, 120, "route " + " ".join(said), 120)
    gate >> words
    for n, word in enumerate(said):
        words[n] >> c.obj(20 + n % 8 * 130, 170 + n // 8 * 30, f"print {word}")
    return c
