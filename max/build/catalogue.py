"""What the objects of the package are. Help files, reference pages, overview and docs/max.md read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from max.build import beat, channel, cues, engine, heard, morph, panel, send, stream
from max.build.sheet import Sheet

from heart.namespace import CHANNELS, DEFAULT_PORT


@dataclass(frozen=True)
class Entry:
    """One object: `args` and `messages` as (name, what it is)."""

    name: str
    digest: str
    description: str
    build: Callable[[Sheet], Sheet]
    args: tuple[tuple[str, str], ...] = ()
    messages: tuple[tuple[str, str], ...] = ()
    see: tuple[str, ...] = ()
    inner: bool = False
    """A part of another object, without a help file."""


OBJECTS = (
    Entry(
        "heart.channel~",
        "One channel of the stream, inside heart.receive~",
        "Writes blocks into a ring where they say, each with the stamp of its stream and lap, plays "
        "those whose stamp fits, "
        "fades at holes, and asks again for blocks that never came.",
        channel.build,
        inner=True,
    ),
    Entry(
        "heart.engine",
        "The connection to the engine",
        "Opens the sockets, says hello until the engine answers, watches it, and says in words how "
        "it stands. One in a set: "
        "all other heart. objects speak through it. Any address of docs/osc.md can be sent into its inlet.",
        engine.build,
        args=(
            ("host", "where the engine runs, 127.0.0.1 if left out"),
            ("engine port", f"{DEFAULT_PORT} if left out"),
            ("our port", f"{DEFAULT_PORT + 1} if left out; another for a second Max"),
        ),
        messages=(
            ("/heart/...", "an address of the engine with its arguments"),
            ("hello", "say hello again"),
            ("host", "where the engine runs"),
            ("engineport", "its UDP port"),
            ("myport", "the UDP port we listen on"),
            ("phrase", "the pass phrase, where the engine asks for one; alone: none"),
            ("bye", "end the stream"),
        ),
        see=("heart.receive~", "heart.panel"),
    ),
    Entry(
        "heart.receive~",
        "The engine's sound",
        f"One to {CHANNELS} channels of sound. Your audio clock is the only clock: 50 times a "
        f"second the patch reports what it has "
        "played, and the engine stays as far ahead as the parameter lead_ms says. Lost blocks are "
        "asked for again; before a hole "
        "the sound fades out. One in a set.",
        stream.build,
        args=(
            ("channels", f"1 to {CHANNELS}, 1 if left out"),
            ("way", "array (Max 8.6 and later), funnel or js: how blocks are written"),
        ),
        messages=(
            ("array", "write blocks with array.tobuffer (Max 8.6 and later)"),
            ("funnel", "with listfunnel and peek~ (any Max)"),
            ("js", "with JavaScript; keep lead_ms at 300 or more"),
        ),
        see=("heart.engine", "heart.beat"),
    ),
    Entry(
        "heart.send~",
        "Sound from Max to the ear",
        "Sends what it hears to the engine's ear: a stethoscope on Max's interface, a microphone, a "
        "recording. The ear then "
        "tells beats and rate (heart.heard), and mode follow sings them.",
        send.build,
        args=(("channel", "1 to 8, 1 if left out"),),
        see=("heart.heard", "heart.engine"),
    ),
    Entry(
        "heart.beat",
        "A bang when a sung heartbeat is heard",
        "The engine tells each beat before it sounds, with its frame in the ring. When the play "
        "position meets that frame there "
        "is a click of one sample, and within two audio vectors a bang. For light, picture, MIDI. "
        "Needs heart.receive~.",
        beat.build,
        args=(("voice", "1 if left out; 2 and more: the voices that sing beside it"),),
        see=("heart.heard", "heart.receive~"),
    ),
    Entry(
        "heart.heard",
        "What the ear hears",
        "Beats of the heard heart as they come and before they come, its rate and variability, and "
        "what the classifiers think: "
        "is it a heart, how does the valve sound. An instrument, not a medical device.",
        heard.build,
        see=("heart.send~", "heart.beat"),
    ),
    Entry(
        "heart.morph",
        "A pad over the loaded sounds",
        "Eight sounds of the folder named by heart live --sounds, on a circle: the nearer the "
        "point, the more of that sound. "
        "Open it in a bpatcher.",
        morph.build,
        messages=(
            ("list", "x and y, 0 to 1 each: moves the point"),
            ("load", "slot and file name: hold a sound ready"),
            ("clear", "slot: let go of it"),
        ),
        see=("heart.panel", "heart.engine"),
    ),
    Entry(
        "heart.cues",
        "The cues of the engine's score",
        "For a concert: go begins the next cue of the score that heart live --score FILE plays, to leaps "
        "to any, and the outlets tell where it stands. A second go within 300 ms (the argument) is held back.",
        cues.build,
        args=(("ms", f"shortest time between two go, {cues.BETWEEN_GO_MS} if left out"),),
        messages=(
            ("go", "begin the next cue; a bang does the same"),
            ("to", "number of a cue, from 1: go there, with all that was set before it"),
            ("names", "ask for all cues; asked by itself at each welcome"),
        ),
        see=("heart.engine", "heart.beat"),
    ),
    Entry(
        "heart.panel",
        "Every parameter, how it stands, and panic",
        "A panel for a bpatcher, made from the engine's own table: a dial for each number, a menu "
        "for each word, the mixture, "
        "the beat, the reserve, and the panic button. It follows when somebody else turns a parameter.",
        panel.build,
        see=("heart.engine", "heart.morph"),
    ),
)
