"""The rows: every address that is ever said on the wire, and every parameter a performer may turn.

Each parameter unfolds into its rows set, get, norm, listen and value. A new address is one line here;
a new parameter is one line too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from heart.records import LABELS, METHODS, MODES, PATTERNS, SLOTS, SUNG, TEXTURES, VOICES

PROTOCOL = 1
DEFAULT_PORT = 9700
"""UDP port of the engine; a client listens on the next one by habit."""

DEFAULT_HTTP_PORT = 9702
"""TCP port of OSCQuery."""

MAX_INT = 2**24 - 1
"""Pure Data keeps numbers as 32-bit floats: whole numbers stay exact only up to here."""

SEQ_MODULO = 2**20
"""Block numbers and counts of played frames wrap here."""

RING_FRAMES = 65_536
CHANNELS = 8
LATENTS = 16
"""Faders of a note."""
BLOCKS = (64, 128, 256, 512, 1024)
"""Block sizes in frames: each divides the ring; the largest (4.1 kB) fits every system's UDP."""

MAX_TEXT = 512
"""Longest text argument in characters."""

Value = int | float | str


@dataclass(frozen=True)
class Arg:
    """One argument: OSC type letter `i`, `f` or `s`, and what values it may have (bounds included)."""

    name: str
    type: str
    words: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] | None = None
    unit: str = ""


@dataclass(frozen=True)
class Row:
    """One address. `direction`: "in" = client to engine, "out" = engine to client, "both"."""

    path: str
    direction: str
    args: tuple[Arg, ...]
    words: str
    handler: str = ""
    """Method of the owner that takes the message; "" for rows that only go out."""
    owner: str = "wire"
    """"wire" (heart.plumbing.wire.Wire), "performance" (heart.stage.performance.Performance), "presets"
    (heart.stage.presets.Presets), "teacher" (heart.stage.teach.Teacher), "cues" (heart.stage.cues.Cues), "notes"
    (heart.stage.notes.Notes) or "troubles" (heart.stage.troubles.Troubles)."""
    rest: Arg | None = None
    """What may follow the named arguments, up to `most` times."""
    most: int = BLOCKS[-1]
    family: str = ""
    """The path with its variable part in <>, under which documentation groups rows; "" = path."""
    param: str = ""
    """Name of the parameter this row speaks of; "" for all other rows."""


@dataclass(frozen=True)
class Param:
    """Something a performer may turn. `low` and `high` in `unit`, both allowed."""

    name: str
    type: str
    default: Value
    low: float | None
    high: float | None
    choices: tuple[Value, ...] | None
    unit: str
    words: str
    scale: str = "linear"

    @property
    def continuous(self) -> bool:
        """Whether a 0..1 fader makes sense: every float; never a count, a seed or a word."""
        return self.type == "f"

    def arg(self) -> Arg:
        return Arg("value", self.type, self.words, self.low, self.high, self.choices, self.unit)


def _param(name: str, kind: str, default: Value, low: float | None, high: float | None, unit: str,
           words: str, scale: str = "linear", choices: tuple[Value, ...] | None = None) -> Param:
    return Param(name, kind, default, low, high, choices, unit, words, scale)


def _voice(voice: int) -> tuple[Param, ...]:
    """What a further voice has of its own."""
    return (
        _param(f"label_{voice}", "s", "N", None, None, "", f"what voice {voice} sings (heart live --voices)",
               choices=SUNG),
        _param(f"tempo_{voice}", "f", 1.0, 0.25, 4, "", f"beats of voice {voice} for each beat of voice 1", "log"),
        _param(f"seed_{voice}", "i", voice - 1, 0, MAX_INT, "", f"which of the many possible sounds voice {voice} "
               "sings"),
    )


PARAMS: dict[str, Param] = {p.name: p for p in (
    _param("label", "s", "N", None, None, "", "heart condition or texture to sing; sets every mix_ to 0",
           choices=SUNG),
    _param("cross", "s", "beat", None, None, "", "when a label that leads from heart to texture, or back, is heard",
           choices=("beat", "now")),
    _param("bpm", "f", 72.0, 30, 220, "bpm", "heart rate to sing (lead)"),
    _param("rmssd", "f", 30.0, 0, 200, "ms", "beat-to-beat variability of the rate"),
    _param("systole", "f", 1.0, 0.7, 1.3, "", "time from S1 to S2, as a share of what the rate would have"),
    _param("balance", "f", 0.0, -1, 1, "", "-1: S1 alone, 0: as sung, 1: S2 alone; the other sinks by 30 dB"),
    _param("pattern", "s", "sinus", None, None, "", "rhythm: premature (pvc), skipped or fibrillating (af) beats",
           choices=PATTERNS),
    _param("ectopy", "f", 0.1, 0, 0.33, "", "share of beats that pvc, couplet and skipped change"),
    _param("gain", "f", 0.0, -60, 6, "dB", "level before the guard"),
    _param("seed", "i", 0, 0, MAX_INT, "", "which of the many possible sounds"),
    _param("steps", "i", 4, 1, 16, "", "diffusion steps: more is finer and slower"),
    _param("guidance", "f", 1.0, 1, 4, "", "how strictly the voice keeps to the label"),
    _param("mode", "s", "lead", None, None, "",
           "lead: sing the bpm set here; follow: sing the heart heard; track: sing the --beats file",
           choices=("lead", "follow", "track")),
    _param("voice_mode", "s", "generate", None, None, "", "generate: sing anew; vary: re-imagine the source; "
           "morph: sing between the loaded sounds", choices=MODES),
    _param("strength", "f", 0.5, 0, 1, "", "of vary: 0 is the source itself, 1 keeps nothing of it"),
    _param("source", "s", "input", None, None, "", "what vary re-imagines: the live input (what the ear hears) or "
           "a loaded sound", choices=("input", *(f"slot{n}" for n in range(1, SLOTS + 1)))),
    _param("morph_method", "s", "slerp", None, None, "", "slerp: along the sounds' inverted noise; fade: a "
           "cross-fade of their coefficients", choices=METHODS),
    _param("lead_ms", "f", 200.0, 30, 1000, "ms", "how far the stream runs ahead of the client's clock",
           "log"),
    _param("ear_hop", "f", 1.0, 0.25, 10, "s", "time between two judgements of scene, valve, condition or gate",
           "log"),
    _param("ear_window", "f", 5.0, 1, 30, "s", "how much of the newest sound such a judgement speaks of", "log"),
    _param("notes", "s", "off", None, None, "", "off: notes come by /heart/note/on alone; beat: one with "
           "each first sound as well (heart live --notes)", choices=("off", "beat")),
    _param("notes_pitch", "i", 57, 21, 108, "", "MIDI pitch of the beats' notes"),
    _param("notes_level", "f", 0.0, -60, 12, "dB", "level of notes that begin from now on"),
    *(_param(f"z{number}", "f", 0.0, -3, 3, "", f"latent {number} of notes that begin from now on")
      for number in range(1, LATENTS + 1)),
    *(_param(f"mix_{label}", "f", 0.0, 0, 1, "", f"weight of {label} in the mix; all 0: label is sung")
      for label in (*LABELS, *TEXTURES)),
    *(_param(f"level_{voice}", "f", 0.0, -60, 6, "dB", f"level of voice {voice} beside the others"
             + ("" if voice == 1 else "; at -60 it is not sung")) for voice in range(1, VOICES + 1)),
    *(param for voice in range(2, VOICES + 1) for param in _voice(voice)),
)}


def _whole(name: str, words: str, low: int = 0, high: int = MAX_INT, unit: str = "") -> Arg:
    return Arg(name, "i", words, low, high, None, unit)


def _number(name: str, words: str, low: float | None = None, high: float | None = None,
            unit: str = "") -> Arg:
    return Arg(name, "f", words, low, high, None, unit)


def _text(name: str, words: str) -> Arg:
    return Arg(name, "s", words)


_PROTOCOL = _whole("protocol", f"this is protocol {PROTOCOL}", 1)
_RATE = _whole("sample_rate", "frames per second", 8_000, 192_000, "Hz")
_CHANNELS = _whole("channels", "channels of the stream", 1, CHANNELS)
_BLOCK = Arg("frames", "i", "frames in one audio message", 64, 1024, BLOCKS, "frames")
_EPOCH = _whole("epoch", "the number from welcome", 1)
_SEQ = _whole("seq", "block number, modulo 2^20", 0, SEQ_MODULO - 1)
_OFFSET = _whole("offset", "frame in the client's ring", 0, RING_FRAMES - 1, "frames")
_SAMPLES = _number("samples", "sound, nominally -1..1")
_SLOT = _whole("slot", "where a sound is held ready", 1, SLOTS)
_POSITION = _number("position", "of the fader, by its law", 0, 1)
_BEAT = (
    _whole("n", "number of the beat"), _OFFSET, _number("bpm", "rate", 0, 400, "bpm"),
    _number("rr_ms", "RR interval of this beat", 0, None, "ms"),
    _number("rmssd_ms", "variability", 0, None, "ms"), _text("label", "heart condition"),
    _number("trust", "how far to believe it", 0, 1),
)
_LABEL = (_text("label", "the verdict, empty when the ear is not sure or hears no heart"),
          _number("probability", "of the most probable label, told or not", 0, 1))


def _chances(*labels: str) -> tuple[Arg, ...]:
    return tuple(_number(label, f"probability of {label}", 0, 1) for label in labels)


JUDGED: dict[str, tuple[Arg, ...]] = {
    "scene": (*_LABEL, *_chances("artifact", "murmur", "normal")),
    "valve": (*_LABEL, *_chances("AS", "MR", "MS", "MVP", "N")),
    "condition": (*_LABEL, *_chances("abnormal", "normal")),
    "gate": _chances("heart"),
}
"""What the ear judges, and the arguments of /heart/heard/<what>; those after label and probability are labels."""
_WORDS = {
    "scene": "what is heard, at most ear_hop late, over the last ear_window seconds",
    "valve": "which valve disease it sounds like, asked only of hearts; an instrument, not a medical device",
    "condition": "normal or abnormal heart sound, asked only of hearts; an instrument, not a medical device",
    "gate": "how sure the ear is that this is a heart at all",
}
_HEARD_RATE = (
    _number("bpm", "0 = no trustworthy rhythm", 0, 400, "bpm"),
    _number("rr_ms", "last RR interval", 0, None, "ms"),
    _number("sdnn_ms", "spread of the RR intervals of the last minute", 0, None, "ms"),
    _number("rmssd_ms", "root mean square of their differences", 0, None, "ms"),
    _number("pnn50", "share of differences over 50 ms", 0, 1), _number("trust", "how far to believe it", 0, 1),
)
_NEXT = (
    _OFFSET, _number("in_ms", "time until then", None, None, "ms"),
    _number("bpm", "rate", 0, 400, "bpm"), _number("trust", "how far to believe it", 0, 1),
)
_STATUS = (
    _text("state", "what the engine is doing"), _text("mode", "lead, follow or track"),
    _text("label", "what is sung"), _number("bpm", "rate sung", 0, 400, "bpm"),
    _number("heard_bpm", "rate heard, 0 = none", 0, 400, "bpm"), _number("trust", "in what is heard", 0, 1),
    _number("fill_ms", "your reserve as the engine sees it", None, None, "ms"),
    _number("p95", "95th percentile of the voice's work time over sound time", 0),
    _whole("underruns", "yours, since welcome"), _whole("clients", "connected now"),
    _whole("steps", "diffusion steps sung: fewer than asked for where the machine is too slow"),
)


_CUE = (
    _whole("n", "number of the cue that is played, from 1; 0: none yet"), _whole("count", "of all"),
    _text("name", "of the cue"),
    Arg("state", "s", "none: there is no score", choices=("none", "waiting", "playing", "ended")),
    _number("seconds", "since it began", 0, None, "s"), _number("left", "until it ends", 0, None, "s"),
    _text("next", "name of the next cue, empty after the last"),
    _whole("next_waits", "1: the next one waits for /heart/cue/go", 0, 1),
)


def _in(path: str, words: str, handler: str, owner: str, *args: Arg) -> Row:
    return Row(path, "in", args, words, handler, owner)


def _hello() -> Row:
    args = (_text("client", "your name"),
            _whole("reply_port", "UDP port you listen on; 0 = the one this comes from", 0, 65_535),
            _PROTOCOL, _RATE, _CHANNELS)
    phrase = _text("phrase", "the pass phrase, where the engine asks for one")
    return Row("/heart/hello", "in", args, "introduce yourself; answered by welcome", "on_hello",
               rest=phrase, most=1)


def _out(path: str, words: str, *args: Arg) -> Row:
    return Row(path, "out", args, words)


def _channel_rows() -> Iterator[Row]:
    for ch in range(1, CHANNELS + 1):
        yield Row(f"/heart/audio/{ch}", "out", (_EPOCH, _SEQ, _OFFSET), "one block of one channel's sound",
                  rest=_SAMPLES, family="/heart/audio/<ch>")
    for ch in range(1, CHANNELS + 1):
        yield Row(f"/heart/in/{ch}", "in", (_SEQ,), "sound from the client to the ear", "on_in",
                  rest=_SAMPLES, family="/heart/in/<ch>")


def _param_rows(p: Param) -> Iterator[Row]:
    def row(verb: str, words: str, *args: Arg, out: bool = False) -> Row:
        return Row(f"/heart/{verb}/{p.name}", "out" if out else "in", args, words,
                   "" if out else f"on_{verb}", "performance", family=f"/heart/{verb}/<param>", param=p.name)

    yield row("set", p.words, p.arg())
    yield row("get", f"ask for {p.name}; answered by /heart/value/{p.name}")
    if p.continuous:
        yield row("norm", f"{p.name} as 0..1, for faders", _POSITION)
    yield row("listen", f"be told whenever somebody else changes {p.name}",
              _whole("on", "1 on, 0 off", 0, 1))
    yield row("value", f"what {p.name} is now", p.arg(), out=True)


_FIXED = (
    _hello(),
    _out("/heart/welcome", "who I am and how I will stream", _PROTOCOL, _text("version", "of the engine"),
         _RATE, _CHANNELS, _whole("block", "frames in one audio message", 64, 1024, "frames"),
         _whole("ring", "frames in your ring", 1, RING_FRAMES * 16, "frames"), _EPOCH,
         _text("voice", "the voice that sings")),
    Row("/heart/bye", "both", (), "end of the stream; from the engine: it stops", "on_bye"),
    _in("/heart/credit", "what you have played; send it 50 times a second", "on_credit", "wire", _EPOCH,
        _whole("played", "frames since welcome, modulo 2^20", 0, SEQ_MODULO - 1, "frames"),
        _whole("fill", "sound you hold in reserve", unit="ms"), _whole("underruns", "since welcome")),
    _in("/heart/nack", "these blocks never came: send them again", "on_nack", "wire", _EPOCH, _SEQ,
        _whole("count", "blocks from seq on", 1, 4096)),
    _in("/heart/block", "ask for another block size; answered by a new welcome", "on_block", "wire", _BLOCK),
    *_channel_rows(),
    _in("/heart/ping", "are you there? answered by pong", "on_ping", "wire", _whole("n", "any number")),
    _out("/heart/pong", "I am here", _whole("n", "the number of the ping")),
    _out("/heart/status", "how it goes, 5 times a second", *_STATUS),
    _in("/heart/sync", "answered by synced when all earlier slow work is done", "on_sync", "performance",
        _whole("id", "any number")),
    _out("/heart/synced", "all work before this sync is done", _whole("id", "the number of the sync")),
    _out("/heart/done", "a slow request is finished", _text("address", "which one")),
    _out("/heart/error", "a message changed nothing, and why", _text("code", "one word"),
         _text("address", "the address it speaks of"), _text("text", "thing, value, range, way out")),
    _out("/heart/startup", "the engine has just started: say hello"),
    _out("/heart/alarm", "voice or ear lost, late, or back; fewer or more steps sung", _text("code", "one word"),
         _text("text", "what happened and what the engine does about it")),
    _out("/heart/beat", "a beat to come: its S1 sounds at this frame of the ring", *_BEAT),
    *(Row(f"/heart/beat/{voice}", "out", _BEAT, "the same of a further voice, where several sing",
          family="/heart/beat/<voice>") for voice in range(2, VOICES + 1)),
    _out("/heart/heard", "the same for a beat the ear has heard, told as soon as it is", *_BEAT),
    _out("/heart/heard/next", "the next beat of the heard heart is expected at this frame of the ring", *_NEXT),
    _out("/heart/heard/rate", "the heard rhythm, on change and at least once a second", *_HEARD_RATE),
    *(_out(f"/heart/heard/{what}", f"{_WORDS[what]}; on change and at least once a second", *args)
      for what, args in JUDGED.items()),
    _out("/heart/chunk", "newly sung sound begins at this frame of the ring; names all that decides it",
         _whole("n", "number of the chunk"), _OFFSET, _text("label", "what is sung; of a mix, joined by +"),
         _number("bpm", "rate sung", 0, 400, "bpm"), _whole("seed", "of its noise"),
         _text("recipe", "hash of the wish and the weights")),
    _in("/heart/ramp", "move a parameter straight to a value; /heart/set ends it, done tells its end", "on_ramp",
        "performance", Arg("param", "s", "a parameter with a fader",
                           choices=tuple(p.name for p in PARAMS.values() if p.continuous)),
        _number("target", "within the parameter's range"), _number("seconds", "of the way", 0, 600, "s")),
    _in("/heart/downbeat", "a first sound is to fall so long from now, as you hear it", "on_downbeat",
        "performance", _number("in_ms", "from now; what is too soon falls whole beats later", 0, 60_000, "ms")),
    _in("/heart/downbeat/at", "a first sound is to fall when your ring next plays this frame", "on_downbeat_at",
        "performance", _OFFSET),
    _in("/heart/sound/load", "hold a sound of the folder named by --sounds ready; answered by done, or by error",
        "on_sound_load", "performance", _SLOT, _text("name", "of the file: no path")),
    _in("/heart/sound/clear", "let go of a sound", "on_sound_clear", "performance", _SLOT),
    _in("/heart/beats/load", "take the beats of mode track from a file of the folder named by --sounds; answered "
        "by done, or by error", "on_beats_load", "performance", _text("name", "of the file: no path")),
    Row("/heart/morph", "in", (), "how much of slot 1, 2, ... is in a morph, relative to their sum; empty slots do "
        "not count", "on_morph", "performance", rest=_number("weight", "of a slot", 0, 1), most=SLOTS),
    Row("/heart/learn", "in", (Arg("param", "s", "what to bind", choices=tuple(PARAMS)),), "then move a control of "
        "another program: the next message from a foreign address is bound; answered by alias and done", "on_learn",
        "teacher", rest=_number("bound", "lowest, then highest number it sends; without them 0 to 1, or as seen"),
        most=2),
    _in("/heart/unlearn", "let go of the controls that are bound to a parameter, and wait for none",
        "on_unlearn", "teacher", Arg("param", "s", "what they are bound to", choices=tuple(PARAMS))),
    _in("/heart/aliases", "which controls are bound to what? answered by an alias for each, then done",
        "on_aliases", "teacher"),
    _out("/heart/alias", "a control of another program and what it is bound to", _text("to", "a parameter, or an "
         "address"), _text("address", "that the other program sends"),
         _whole("argument", "which of its arguments, from 1", 1), _number("low", "number at the fader's 0"),
         _number("high", "number at the fader's 1")),
    _in("/heart/preset/save", "keep all parameters as they are now, in the folder named by --presets; answered by "
        "done", "on_save", "presets", _text("name", "of the preset: no path")),
    _in("/heart/preset/load", "set all parameters of a preset at once, or none; answered by done", "on_load",
        "presets", _text("name", "of the preset: no path")),
    _in("/heart/preset/list", "which are there? answered by a name for each, then done", "on_list", "presets"),
    _out("/heart/preset/name", "one of the presets", _whole("number", "which, from 1; 0: there are none"),
         _whole("count", "of all"), _text("name", "of the preset")),
    _in("/heart/note/on", "a note begins as soon as it is made, of the latents z1 to z16; of more than eight the "
        "oldest goes", "on_note_on", "notes", _whole("pitch", "MIDI", 21, 108),
        _whole("velocity", "0 lets go, as in MIDI", 0, 127)),
    _in("/heart/note/off", "let go of the notes of a pitch", "on_note_off", "notes",
        _whole("pitch", "MIDI", 21, 108)),
    _in("/heart/cue/go", "begin the next cue of the score, whether it waits for that or not", "on_go", "cues"),
    _in("/heart/cue/to", "go to a cue of the score, with all that was set before it", "on_to", "cues",
        _whole("n", "which, from 1", 1)),
    _in("/heart/cue/list", "which cues has the score? answered by a name for each, then done", "on_list", "cues"),
    _out("/heart/cue", "where the score is, on change and once a second", *_CUE),
    _out("/heart/cue/name", "one of the cues", _whole("number", "which, from 1; 0: there are none"),
         _whole("count", "of all"), _text("name", "of the cue"), _number("seconds", "it lasts", 0, None, "s"),
         _whole("waits", "1: it begins at /heart/cue/go, 0: by itself", 0, 1)),
    _in("/heart/troubles", "what went wrong so far? answered by a trouble for each kind, then done", "on_troubles",
        "troubles"),
    _out("/heart/trouble", "something that went wrong since the start", _text("kind", "one word"),
         _whole("count", "how often", 1), _text("text", "what that means, and the last of it")),
    _in("/heart/panic", "silent within 20 ms until /heart/resume", "on_panic", "performance"),
    _in("/heart/resume", "end the silence of panic", "on_resume", "performance"),
    _in("/heart/quit", "stop the engine; obeyed only from its own machine", "on_quit", "performance"),
)

ROWS: dict[str, Row] = {row.path: row for row in
                        (*_FIXED, *(row for p in PARAMS.values() for row in _param_rows(p)))}
"""Every address, in the order of the documentation."""
