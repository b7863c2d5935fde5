"""A performance: messages and heard beats in, effects out. No clock, no socket, no device.

The live engine, a score reader and the tests drive the same object; they differ only in what they do
with the effects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from heart.errors import WireError
from heart.namespace import PARAMS, ROWS, Param, check, norm_to_value
from heart.plumbing.desk import OFF_DB
from heart.records import LABELS, RHYTHMS, SAMPLE_RATE_HZ, SUNG, TEXTURES, Beat, Heard, Judged, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.track import Track
from heart.stage.effects import (
    Downbeat,
    Effect,
    Load,
    LoadBeats,
    Mute,
    Origin,
    Quit,
    Say,
    SingAgain,
    Sync,
    Tell,
    Turn,
)
from heart.stage.follow import TRUSTED, Follower
from heart.stage.mixing import Mixing, Sung, Way
from heart.stage.partners import LEVELS, OWN, Partner, check_voice
from heart.stage.parts import own_past
from heart.stage.ramps import Ramps
from heart.stage.sounds import Sounds

CLOCK = {"bpm": "bpm", "rmssd": "rmssd_ms", "systole": "systole", "balance": "balance", "ectopy": "ectopy"}
"""Parameters that the beat clock moves by itself, and its names for them."""
SCHEDULE = {*CLOCK, "pattern", "seed"}
SOUND = {"seed", "steps", "guidance", "voice_mode", "strength", "source", "morph_method"}
FADERS = {f"mix_{label}": label for label in (*LABELS, *TEXTURES)}
TURNED = {"gain", "lead_ms", "ear_hop", "ear_window"}
"""Parameters outside the voice: nothing has to be sung again for them."""
GLIDING = {*FADERS, "guidance", "strength"}
"""Parameters that a wish takes as they are at its first frame; while one moves, wishes are short."""
Note = tuple[Any, ...] | Callable[[int], tuple[Any, ...]]
"""Arguments of a message, or what gives them when the tape frame is known from which it holds."""


STILL = {"/heart/panic", "/heart/resume", *(f"/heart/{verb}/{name}" for verb in ("set", "norm") for name in TURNED)}


def is_still(address: str, args: Sequence[Any]) -> bool:
    """Whether a message changes nothing of what the voice sings, only what becomes of it."""
    return address in STILL or (address == "/heart/ramp" and args[0] in TURNED)


def defaults(**given: Any) -> dict[str, Any]:
    """Every parameter's value at the start."""
    return {**{p.name: p.default for p in PARAMS.values()}, **given}


@dataclass
class Performance:
    """What is being performed: the parameters, who listens to them, and the beat schedule."""

    mode: str = "lead"
    values: dict[str, Any] = field(default_factory=defaults)
    track: Track | None = None
    """The beats of mode "track"."""
    labels: tuple[str, ...] = SUNG
    """What the voice can sing."""
    voices: int = 1
    """How many sing at once, 1..4."""
    panicked: bool = False
    last_heard: Heard = field(default_factory=lambda: Heard(0.0))
    judged: dict[str, Judged] = field(default_factory=dict)
    """The newest judgement of each kind."""
    note: Callable[[str, Note], object] = lambda address, args: None
    """Told of all that is performed, as messages that a score may hold (`stage/scribe.py`)."""

    def __post_init__(self) -> None:
        self.values["mode"] = self.mode
        self.listeners: dict[str, set[Origin]] = {}
        settings = {name: self.values[param] for param, name in CLOCK.items()}
        self.beats = BeatClock(seed=self.values["seed"], pattern=self.pattern, **settings)
        self.follower = Follower(self.beats)
        self.sounds = Sounds()
        self.ramps = Ramps()
        self.mixing = Mixing(self._sung)
        self.partners = [Partner(voice, self.values, self.ramps, self.beats) for voice in range(2, self.voices + 1)]
        self._downbeat: float | None = None
        if self.mode != "lead":
            self._change_mode(self.mode)

    # Messages. Arguments were checked against the table before they came here.

    def message(self, address: str, args: Sequence[Any], origin: Origin) -> list[Effect]:
        """Do what a checked message asks."""
        row = ROWS[address]
        handler = getattr(self, row.handler)
        return handler(PARAMS[row.param], args, origin) if row.param else handler(args, origin)

    def on_set(self, param: Param, args: Sequence[Any], origin: Origin) -> list[Effect]:
        value = args[0]
        self.check_possible(param, value)
        self.note(f"/heart/set/{param.name}", ("lead" if value == "follow" else value,))
        if param.name == "label":
            return self._set_label(value, origin)
        before = self.values[param.name]
        if not self.ramps.cancel(param.name) and value == before:
            return []
        self.values[param.name] = value
        return [*self._consequences(param.name, value, before), self._echo(param.name, except_for=origin)]

    def check_possible(self, param: Param, value: Any) -> None:
        """Raises WireError for a value that is right, but not here: no voice for it, no track."""
        self._check_sings(param, value)
        if param.name == "mode" and value == "track" and self.track is None:
            raise WireError(
                "track", "/heart/set/mode", "no beat track here: name one with --beats FILE or /heart/beats/load"
            )

    def _check_sings(self, param: Param, value: Any) -> None:
        check_voice(param, self.voices)
        label = FADERS.get(param.name) if value else None
        label = value if param.name == "label" or param.name.startswith("label_") else label
        if label and label not in self.labels:
            text = f"{label}: this voice sings {', '.join(self.labels)}"
            raise WireError("voice", f"/heart/set/{param.name}", text)

    def _set_label(self, label: str, origin: Origin) -> list[Effect]:
        """A label ends a mix: of fader and label the one touched last is heard."""
        was = self._sung_so_far()
        down = [fader for fader in FADERS if self.ramps.cancel(fader) or self.values[fader]]
        if label == self.values["label"] and not down:
            return []
        self.values.update(dict.fromkeys(down, 0.0), label=label)
        self.mixing.change(self._sung, self.values["cross"] == "beat", was)
        former, self.beats.pattern = self.beats.pattern, self.pattern
        return [
            SingAgain(beats=former != self.beats.pattern),
            self._echo("label", origin),
            *(self._echo(fader) for fader in down),
        ]

    def _sung(self, frame: float) -> Sung:
        """What label and faders say, moving ones as they stand at `frame`."""
        return self._sung_so_far()(frame)

    def _sung_so_far(self) -> Way:
        """The same, as it would go on if nothing changed."""
        ways = {label: self.ramps.way(fader, self.values[fader]) for fader, label in FADERS.items()}
        otherwise = self.values["label"]

        def sung(frame: float) -> Sung:
            mix = tuple((label, way.at(frame)) for label, way in ways.items() if way.at(frame))
            return Sung("+".join(label for label, _ in mix) or otherwise, mix)

        return sung

    def on_norm(self, param: Param, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return self.on_set(param, (norm_to_value(param, args[0]),), origin)

    def on_get(self, param: Param, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Say(origin, f"/heart/value/{param.name}", (self.values[param.name],))]

    def on_listen(self, param: Param, args: Sequence[Any], origin: Origin) -> list[Effect]:
        listeners = self.listeners.setdefault(param.name, set())
        if not args[0]:
            listeners.discard(origin)
            return []
        listeners.add(origin)
        return self.on_get(param, (), origin)

    def on_ramp(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        name, target, seconds = args
        check(f"/heart/set/{name}", (target,))
        self._check_sings(PARAMS[name], target)
        if self.mode == "follow" and name in ("bpm", "rmssd"):
            raise WireError("mode", "/heart/ramp", f"{name} is the heart's in mode follow: set mode lead first")
        if name not in OWN:  # a tempo on its way is noted as the steps it goes
            self.note("/heart/ramp", (name, target, seconds))
        self.ramps.ask(name, target, seconds, origin)
        return [] if name in TURNED else [SingAgain(beats=name in SCHEDULE)]

    def on_downbeat(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Downbeat(origin, in_ms=args[0])]

    def on_downbeat_at(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Downbeat(origin, offset=args[0])]

    def on_sync(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Sync(origin, args[0])]

    def on_panic(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        self.panicked = True
        self.note("/heart/panic", ())
        return [Mute(True), Say(origin, "/heart/done", ("/heart/panic",))]

    def on_resume(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        self.panicked = False
        self.note("/heart/resume", ())
        return [Mute(False), Say(origin, "/heart/done", ("/heart/resume",))]

    def on_sound_load(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Load(origin, *args)]

    def on_sound_clear(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Load(origin, args[0], None)]

    def on_beats_load(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [LoadBeats(origin, args[0])]

    def take_track(self, track: Track) -> list[Effect]:
        """The beats of mode "track" are others now."""
        self.track = track
        return self._change_mode("track") if self.mode == "track" else []

    def on_morph(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        self.sounds.weigh([float(weight) for weight in args[0]])
        self.note("/heart/morph", tuple(self.sounds.weights))
        return self.sounds_changed()

    def sounds_changed(self) -> list[Effect]:
        """The loaded sounds or their weights are others now."""
        return [SingAgain(beats=False)] if self.values["voice_mode"] != "generate" else []

    def on_quit(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        return [Quit(origin)]

    def forget(self, origin: Origin) -> None:
        """A client went away: it listens to nothing any more."""
        for listeners in self.listeners.values():
            listeners.discard(origin)

    def rename(self, former: Origin, origin: Origin) -> None:
        """A client came back under another name: it goes on listening to what it listened to."""
        for listeners in self.listeners.values():
            if former in listeners:
                listeners.remove(former)
                listeners.add(origin)

    def _consequences(self, name: str, value: Any, before: Any) -> list[Effect]:
        if name in TURNED:
            return [Turn(name, float(value))]
        if name == "mode":
            return self._change_mode(value)
        if name in FADERS:
            self.mixing.change(self._sung, on_beat=False)
            return [SingAgain(beats=False)]
        if name in LEVELS:
            enters = LEVELS[name] > 1 and (before > OFF_DB) != (value > OFF_DB)
            return [Turn(name, float(value)), *([SingAgain(beats=False)] if enters else [])]
        if name in OWN:
            what, voice = OWN[name]
            self.partners[voice - 2].turn(what, value)
            return [SingAgain(beats=what == "tempo")]
        if name in SCHEDULE:
            self._schedule(name, value)
        return [SingAgain(beats=name in SCHEDULE)] if name in SCHEDULE | SOUND else []

    def _change_mode(self, mode: str) -> list[Effect]:
        self.mode = mode
        self.beats.play(self.track if mode == "track" else None)
        self.beats.pattern = self.pattern
        for name in ("bpm", "rmssd"):
            self.ramps.cancel(name)
        if mode == "follow":
            return self._follow(self.last_heard)
        self.follower.release()
        if mode == "track" and self.track:
            self.values["bpm"] = self.track.bpm
        self.beats.set(bpm=self.values["bpm"], rmssd_ms=self.values["rmssd"])
        return [SingAgain(beats=True), self._echo("bpm")]

    def _schedule(self, name: str, value: Any) -> None:
        if name == "seed":
            self.beats.reseed(value)
        elif name == "pattern":
            self.beats.pattern = self.pattern
        else:
            self.beats.set(**{CLOCK[name]: value})

    def _echo(self, name: str, except_for: Origin | None = None) -> Tell:
        to = frozenset(self.listeners.get(name, ()))
        return Tell(f"/heart/value/{name}", (self.values[name],), to, except_for)

    @property
    def pattern(self) -> str:
        """The rhythm of the beats: that of the pattern, else of the label. A followed heart brings its own."""
        if self.mode == "follow":
            return "sinus"
        asked = str(self.values["pattern"])
        return RHYTHMS.get(self.values["label"], asked) if asked == "sinus" else asked

    # The ear.

    def heard(self, heard: Heard) -> list[Effect]:
        """The ear knows more; in follow mode the voice takes its tempo."""
        if heard.time_s < self.last_heard.time_s:  # the ear began anew
            self.judged.clear()
        self.last_heard = heard
        return self._follow(heard) if self.mode == "follow" else []

    def judge(self, judged: Judged) -> None:
        """A classifier of the ear has looked at the last seconds."""
        self.judged[judged.what] = judged

    def _follow(self, heard: Heard) -> list[Effect]:
        if heard.bpm is None or heard.trust < TRUSTED:
            return []
        low, high = PARAMS["bpm"].low or 30.0, PARAMS["bpm"].high or 220.0
        bpm = float(np.clip(heard.bpm, low, high))
        if abs(bpm - self.values["bpm"]) < 0.1:
            return []
        self.values["bpm"] = bpm
        self.note("/heart/set/bpm", (bpm,))
        again = self.follower.take_tempo(heard, bpm)
        return [self._echo("bpm"), *([SingAgain(beats=True)] if again else [])]

    def align(self, frame: float, horizon: int) -> None:
        """The heart's next beat falls on tape frame `frame`; beats are scheduled up to `horizon`."""
        heard = self.last_heard
        if self.mode == "follow" and heard.bpm is not None and heard.trust >= TRUSTED:
            self.follower.take_phase(frame, heard.bpm, horizon)

    # The tape's clock.

    def advance(self, frame: int) -> list[Effect]:
        """The sound before tape frame `frame` is certain: what its ramps then turn, tell and finish."""
        self.ramps.begin(frame, TURNED.__contains__, self.values.__getitem__)
        effects: list[Effect] = []
        for name, value, origin in self.ramps.news(frame):
            before, self.values[name] = self.values[name], value
            effects += [self._echo(name), *self._moved(name, value, before)]
            effects += [] if origin is None else [Say(origin, "/heart/done", ("/heart/ramp",))]
        return effects

    def _moved(self, name: str, value: float, before: float) -> list[Effect]:
        """What follows from a step of a ramp. What is sung follows the ramp itself; only a tempo goes in steps."""
        if name in OWN:
            self.note(f"/heart/set/{name}", (value,))
            return self._consequences(name, value, before)
        return [Turn(name, value)] if name in TURNED or name in LEVELS else []

    def downbeat(self, frame: float) -> list[Effect]:
        """An S1 is to fall on tape frame `frame`, or whole beats later when that is too soon."""
        self._downbeat = frame
        self.note("/heart/downbeat", lambda start: (max(0.0, frame - start) * 1_000 / SAMPLE_RATE_HZ,))
        return [SingAgain(beats=True)]

    # The voice.

    def begin(self, frame: int, beats: bool) -> None:
        """What was asked holds from tape frame `frame` on: ramps set out, `beats` follow the settings of now."""
        fresh = self.ramps.begin(frame, lambda name: name not in TURNED, self.values.__getitem__)
        for name in fresh.keys() & CLOCK.keys():
            self.beats.glide(CLOCK[name], fresh[name])
        if beats:
            self.rewind(frame)

    def rewind(self, frame: int) -> None:
        """Forget the scheduled beats from `frame` on; they follow the settings (and the heart) of now."""
        self.beats.rewind(frame)
        if self.mode == "follow":
            self.follower.land(frame)
        if self._downbeat is not None:
            self.beats.meet(self._downbeat, frame)
            self._downbeat = None
        leads = self.beats.beats_until(frame)
        for partner in self.partners:
            partner.rewind(frame, leads)

    def gliding(self, frame: int) -> bool:
        """Whether what is sung changes from wish to wish there."""
        return self.ramps.moves(GLIDING, frame)

    def wish(self, number: int, start: int, frames: int, past: np.ndarray, parts: np.ndarray | None = None) -> Wish:
        """The wish for `frames` new frames from `start` on, after the sound `past` with its `parts`.

        `past` is [n, voices], or [n] of one voice; `parts` [n, 2 * voices].
        """
        past = past[:, np.newaxis] if past.ndim == 1 else past
        end = start + frames + SAMPLE_RATE_HZ
        begin = start - len(past) - SAMPLE_RATE_HZ // 2
        scheduled = self.beats.beats_until(end)
        beats = tuple(beat for beat in scheduled if beat.s2 >= begin)
        sung, crossing = self.mixing.over(start, frames, scheduled)
        mode = self.values["voice_mode"]
        sources = self.sounds.sources(mode, self.values["source"], start, frames)
        lead = Wish(
            number=number,
            start=start,
            frames=frames,
            **own_past(past, parts, 1),
            beats=() if sources and self.pace == "input" else beats,
            label=sung.label,
            seed=self.values["seed"],
            steps=self.values["steps"],
            guidance=self.ramps.value("guidance", start, self.values["guidance"]),
            mode=mode,
            strength=self.ramps.value("strength", start, self.values["strength"]),
            method=self.values["morph_method"],
            sources=sources,
            mix=sung.mix,
            crossing=crossing,
        )
        wishes = (partner.wish(lead, scheduled, (begin, end), past, parts) for partner in self.partners)
        return replace(lead, others=tuple(wish for wish in wishes if wish))

    @property
    def pace(self) -> str:
        """What sets how far ahead can be sung: lead, follow, or the input, which brings its own beats."""
        varies_input = self.values["voice_mode"] == "vary" and self.values["source"] == "input"
        return "input" if varies_input and self.sounds.input.heard else self.mode

    def beats_between(self, begin: int, end: int) -> list[Beat]:
        """Scheduled beats with begin <= S1 < end, in tape frames; none while the input brings its own."""
        if self.pace == "input":
            return []
        return [beat for beat in self.beats.beats_until(end) if begin <= beat.s1 < end]

    def partner_beats(self, begin: int, end: int) -> list[tuple[Partner, Beat]]:
        """The same of the further voices, as far as they sing."""
        leads = self.beats.beats_until(end)
        return [
            (partner, beat)
            for partner in self.partners
            if partner.sings(begin, end - begin)
            for beat in partner.beats_until(end, leads)
            if begin <= beat.s1 < end
        ]
