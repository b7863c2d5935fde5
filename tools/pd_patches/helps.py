"""NAME-help.pd for each object: what it is, its arguments, inlets and outlets, and an example that runs.

An example names its engine after itself, so that a help beside your own patch is a client of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from pd_patches.canvas import CARD, PAPER, RED, Box, Canvas
from pd_patches.everything import addresses, answers, parameters
from pd_patches.morph import SIDE
from pd_patches.panel import HEIGHT, WIDTH

TOP = 80
"""Where an example begins."""


def page(name: str, what: str, parts: list[tuple[str, str]], width: int = 900) -> Canvas:
    """The head of a help, and at the right what goes in and comes out, a line for each part."""
    c = Canvas(name, width, 0)
    c.card(0, 0, width, 56, name, CARD, 24, RED)
    c.text(300, 12, what, (width - 320) // 7)
    rows = [c.height_of(text, 40) + 10 for _, text in parts]
    c.card(width - 400, 70, 390, sum(rows) + 20, "", PAPER)
    for n, (title, text) in enumerate(parts):
        y = 84 + sum(rows[:n])
        if title:
            c.text(width - 390, y, title, 12)
        c.text(width - 300, y, text, 40)
    return c


def fitted(make: Callable[[], Canvas]) -> Canvas:
    """The page, as large as what is on it: no scroll bars."""
    c = make()
    c.width += 20
    c.height = max(box.y + box.height for box in c.boxes) + 60
    return c


def engine_help() -> Canvas:
    c = page(
        "heart.engine",
        "The connection to the engine (heart live). One for each engine. All other objects of the same name "
        "belong to it.",
        [
            ("arguments", "1 name: letters, digits, _ (none: 0). 2 and 3 host and port (none: 127.0.0.1 9700)"),
            ("in", "a parameter and its value: bpm 90"),
            ("", "any address of docs/osc.md: /heart/ramp bpm 120 10"),
            ("", "connect HOST PORT OWN_PORT, disconnect, phrase WORDS (where the engine asks for one)"),
            ("out 1", "how it stands, in words"),
            ("out 2", "the last trouble, in words"),
            ("out 3", "values: bpm 90"),
            ("out 4", "everything else the engine says: status, heard, done ..."),
            ("from afar", "send heart-NAME-tell the list /heart/set/bpm 90, receive heart-NAME-words"),
        ],
    )
    engine = c.obj(20, 300, "heart.engine h_engine")
    for n, text in enumerate(
        (
            "bpm 90",
            "label AS",
            "/heart/ramp bpm 120 10",
            "/heart/downbeat 500",
            "connect 127.0.0.1 9700",
            "disconnect",
            "bmp 90",
        )
    ):
        c.msg(20 + n % 2 * 190, TOP + n // 2 * 32, text) >> engine
    c.text(210, TOP + 102, "a mistake: the answer is in words", 34)
    for n, label in enumerate(("words", "trouble")):
        card = c.card(20, 440 + n * 40, 450, 22, "", PAPER, 12, receive=f"$0-{label}")
        assert card
        engine[n] >> c.msg(20 + n * 100, 350 + n * 30, "label $1") >> c.obj(20 + n * 100, 410, f"s $0-{label}")
    engine[2] >> c.obj(300, 340, "print value")
    c.sub(20, 250, parameters("h_engine"))
    c.sub(150, 250, addresses("h_engine"))
    c.sub(280, 250, answers("h_engine"))
    return c


def receive_help() -> Canvas:
    c = page(
        "heart.receive~",
        "The sound of the engine, sample for sample as it was sent.",
        [
            ("arguments", "1 channels, 1 to 8 (none: 1). 2 name of the heart.engine (none: 0)"),
            ("out 1 to 8", "the channels, those above the first argument are silent"),
            ("out 9", "reserve in ms: how much sound is here already"),
            ("out 10", "underruns since the stream began"),
            ("lead", "the reserve is the parameter lead_ms, 30 to 1000: less is quicker, more forgives more"),
            ("Pd", "keep the block size of the canvas at 64"),
        ],
    )
    c.obj(20, TOP, "heart.engine h_receive")
    sound = c.obj(20, TOP + 50, "heart.receive~ 2 h_receive")
    _out(c, sound, 20, TOP + 100)
    sound[8] >> c.number(300, 200, 6, "reserve in ms")
    sound[9] >> c.number(300, 260, 6, "underruns")
    return c


def _out(c: Canvas, sound: Box, x: int, y: int) -> None:
    """To the loudspeakers by a slider, closed at first."""
    level = c.obj(x, y + 90, "*~")
    slider = c.slider(x + 60, y + 20, 110, 0, 1, label="volume")
    slider >> c.msg(x + 60, y + 50, "$1 20") >> c.obj(x + 130, y + 50, "line~") >> level[1]
    out = c.obj(x, y + 130, "dac~ 1 2")
    sound >> level >> out
    level >> out[1]


def send_help() -> Canvas:
    c = page(
        "heart.send~",
        "Your sound to the engine's ear: a stethoscope, a drum, a patch. The ear answers in heart.heard.",
        [
            ("arguments", "1 channel (none: 1). 2 name of the heart.engine (none: 0)"),
            ("in 1", "the signal"),
            ("in 2", "0 stops sending, 1 goes on"),
            ("out", "number of the block sent (256 frames each)"),
            ("in the engine", "only /heart/in/1 is heard. The rate is that of this Pd."),
        ],
    )
    c.obj(20, TOP, "heart.engine h_send")
    source, switch = c.obj(20, TOP + 40, "adc~ 1"), c.toggle(180, TOP + 80, label="send", on=True)
    send = c.obj(20, TOP + 130, "heart.send~ 1 h_send")
    source >> send
    switch >> send[1]
    send >> c.number(20, TOP + 190, 8, "blocks sent")
    heard = c.obj(20, TOP + 250, "heart.heard h_send")
    heard >> c.bang(20, TOP + 300, 30, label="heard")
    return c


def beat_help() -> Canvas:
    c = page(
        "heart.beat",
        "A bang when an S1 sounds: light, picture and synthesis on the sample.",
        [
            ("arguments", "1 name of the heart.engine (none: 0). 2 voice, 1 to 4 (none: the first)"),
            ("out 1", "a bang on the block in which S1 sounds, at its own time: vline~ starts on the sample"),
            ("out 2", "the phase as a signal: 0 at an S1, 1 when the next is due"),
            ("out 3", "bpm"),
            ("out 4", "the list n bpm rr_ms rmssd_ms label trust"),
            ("how", "the engine tells each beat ahead of time, with the frame of the ring at which it will sound"),
        ],
    )
    c.obj(20, TOP, "heart.engine h_beat")
    sound, beat = c.obj(20, TOP + 40, "heart.receive~ 1 h_beat"), c.obj(260, TOP + 40, "heart.beat h_beat")
    _out(c, sound, 20, TOP + 80)
    beat >> c.bang(260, TOP + 90, 40, label="S1")
    beat[2] >> c.number(400, TOP + 110, 6, "bpm")
    phase = c.obj(310, TOP + 180, "snapshot~")
    beat[1] >> phase
    c.obj(410, TOP + 150, "loadbang") >> c.obj(410, TOP + 180, "metro 50") >> phase
    phase >> c.slider(310, TOP + 230, 120, 0, 1, label="phase")
    beat[3] >> c.obj(400, TOP + 270, "print beat")
    return c


def heard_help() -> Canvas:
    c = page(
        "heart.heard",
        "What the ear hears: an instrument, not a medical device.",
        [
            ("argument", "name of the heart.engine (none: 0)"),
            ("out 1", "a bang for each S1 heard: some hundredths of a second after it"),
            ("out 2", "next: offset in_ms bpm trust, the S1 to come"),
            ("out 3", "rate: bpm (0: none) rr_ms sdnn_ms rmssd_ms pnn50 trust"),
            ("out 4", "gate: is it a heart at all, 0 to 1"),
            (
                "out 5, 6, 7",
                "scene, valve, condition: label, probability, each label's probability. An empty label: not sure",
            ),
            ("out 8", "the beat: n offset bpm rr_ms rmssd_ms label trust"),
        ],
    )
    c.obj(20, TOP, "heart.engine h_heard")
    c.obj(20, TOP + 40, "adc~ 1") >> c.obj(20, TOP + 70, "heart.send~ 1 h_heard")
    heard = c.obj(20, TOP + 130, "heart.heard h_heard")
    heard >> c.bang(20, TOP + 200, 40, label="S1 heard")
    rate = c.obj(150, TOP + 180, "unpack f f")
    heard[2] >> rate >> c.number(150, TOP + 240, 6, "bpm heard")
    for n, name in enumerate(("scene", "valve", "condition")):
        label = c.obj(60 + n * 140, TOP + 300, "unpack s")
        heard[4 + n] >> label >> c.symbol(60 + n * 140, TOP + 350, 12, name)
    return c


def morph_help() -> Canvas:
    c = page(
        "heart.morph",
        "A pad between loaded sounds: the nearer the stone, the more of that sound is sung.",
        [
            ("arguments", "1 how many sounds, 2 to 8 (none: 4). 2 name of the heart.engine (none: 0)"),
            ("in", "x y, each 0 to 1: where the stone lies"),
            ("out", "the weights, as sent with /heart/morph"),
            ("before", "heart live --sounds FOLDER, load each sound into a slot, and voice_mode morph"),
        ],
    )
    engine = c.obj(20, TOP + 130, "heart.engine h_morph")
    for n, text in enumerate(("/heart/sound/load 1 sea.wav", "/heart/sound/load 2 rain.wav", "voice_mode morph")):
        c.msg(20 + n % 2 * 220, TOP + n // 2 * 40, text) >> engine
    pad = c.window(20, TOP + 180, "heart.morph 4 h_morph", (SIDE, SIDE))
    c.msg(260, TOP + 130, "0.5 0.92") >> pad
    pad >> c.obj(20, TOP + 390, "print weights")
    return c


def panel_help() -> Canvas:
    c = page(
        "heart.panel",
        "The parameters that are turned most, and how it stands, in a frame for your patch.",
        [
            ("argument", "name of the heart.engine (none: 0)"),
            ("", "What others change is shown here too. All parameters: the help of heart.engine."),
        ],
        width=1010,
    )
    c.obj(20, TOP, "heart.engine h_panel")
    c.window(20, TOP + 40, "heart.panel h_panel", (WIDTH, HEIGHT))
    return c


def cues_help() -> Canvas:
    c = page(
        "heart.cues",
        "The cues of the engine's score, for a concert: heart live --score FILE.",
        [
            (
                "arguments",
                "1 name of the heart.engine (none: 0). 2 shortest time between two go, in ms (none: 300)",
            ),
            ("in", "go or a bang, to NUMBER, names (asked by itself when the stream begins)"),
            ("out 1", "the cue that is played: n (0: none yet) count name"),
            ("out 2", "state: none (no score), waiting, playing, ended"),
            ("out 3, 4", "seconds since it began, seconds until it ends"),
            ("out 5, 6", "name of the next cue, 1 when it waits for go"),
            ("out 7", "one of the cues: number count name seconds waits"),
        ],
    )
    c.obj(20, TOP, "heart.engine h_cues")
    cues = c.obj(20, TOP + 120, "heart.cues h_cues")
    for n, text in enumerate(("go", "to 2", "names")):
        c.msg(20 + n * 80, TOP + 60, text) >> cues
    for n, what in enumerate(("now", "state", "seconds", "left", "next", "waits", "name")):
        cues[n] >> c.obj(20 + n % 4 * 110, TOP + 180 + n // 4 * 40, f"print {what}")
    return c


HELPS: dict[str, Callable[[], Canvas]] = {
    "heart.engine": engine_help,
    "heart.receive~": receive_help,
    "heart.send~": send_help,
    "heart.beat": beat_help,
    "heart.heard": heard_help,
    "heart.morph": morph_help,
    "heart.cues": cues_help,
    "heart.panel": panel_help,
}
