"""Live: the engine, the demo, the ear."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from heart.cli.options import DEVICE, SETTINGS, rhythm
from heart.errors import UsageError


@click.command()
@click.option("--port", default=9700, show_default=True, help="UDP port; 0 takes any free one.")
@click.option("--bind", "host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--allow", multiple=True, metavar="ADDRESS", help="With --bind: a client that may come in; repeat.")
@click.option("--phrase", envvar="HEART_PHRASE", help="With --bind: the pass phrase in /heart/hello.")
@click.option("--voice", default="voice", show_default=True, help="Which voice; `heart models` lists them.")
@click.option(
    "--voices",
    default=1,
    show_default=True,
    type=click.IntRange(1, 4),
    help="How many of it sing at once; dealt to the channels in turn (docs/voice.md, Voices side by side).",
)
@click.option(
    "--mode",
    type=click.Choice(["lead", "follow", "track"]),
    default=None,
    help="lead: you set the beat; follow: the ear does; track: the --beats or --ecg file does."
    " Default: track with --beats or --ecg, follow with --heart or --in, else lead; "
    "with --score lead, until it says otherwise.",
)
@click.option("--heart", type=click.Path(path_type=Path), help="A heart sound file, played to the ear as if live.")
@click.option(
    "--ecg", metavar="RECORD", help="Sing every beat of an ECG record (WFDB, EDF, CSV; mitdb/100) at its time."
)
@rhythm
@click.option("--loop", is_flag=True, help="Play the --heart, --ecg or --beats file again and again.")
@click.option("--out", "device_out", help="Also play on this sound device (name, number or null).")
@click.option("--in", "device_in", help="Listen on this sound device.")
@click.option(
    "--backend",
    type=click.Choice(["auto", "sounddevice", "pyaudio", "null"]),
    default="auto",
    show_default=True,
)
@click.option("--record", type=click.Path(path_type=Path), help="Write exactly what the first client was sent.")
@click.option(
    "--log",
    type=click.Path(path_type=Path),
    help="Note every chunk with all that decides it, for heart render --again.",
)
@click.option(
    "--score",
    type=click.Path(path_type=Path),
    help="Perform this score (docs/score.md); its cues wait for /heart/cue/go.",
)
@click.option("--unattended", is_flag=True, help="With --score: no cue waits.")
@click.option(
    "--score-out",
    type=click.Path(path_type=Path),
    help="Write what is performed down as a score, for heart render and for the next concert.",
)
@click.option(
    "--sounds",
    type=click.Path(path_type=Path),
    help="Folder whose sounds /heart/sound/load may have, for vary and morph.  [default: the shipped sounds]",
)
@click.option("--notes", metavar="MODEL", help="Make notes too, with notes-ae or notes-ae-64: docs/notes.md.")
@click.option("--threads", default=0, show_default=True, help="Threads of the voice; 0 takes half the cores.")
@DEVICE
@click.option(
    "--ear-hop",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.25, 10),
    help="Seconds between two judgements of the ear (scene, valve, condition, heart or not).",
)
@click.option(
    "--ear-window",
    default=5.0,
    show_default=True,
    type=click.FloatRange(1, 30),
    help="Seconds of the newest sound that such a judgement speaks of.",
)
@click.option(
    "--presets",
    type=click.Path(path_type=Path),
    help="Folder of the presets that /heart/preset/save and load mean.",
)
@click.option(
    "--aliases",
    multiple=True,
    metavar="FILE",
    help="Addresses of other programs and what they are bound to: a .json file, or a shipped one by name (ardour, "
    "bitwig, live, reaper, surface); repeat. What /heart/learn binds goes to the last file.",
)
@click.option(
    "--midi", metavar="PORT", help="Controls of this MIDI port, for /heart/learn and --aliases (extra: midi)."
)
@click.option(
    "--http-port",
    type=click.IntRange(-1, 65535),
    help="TCP port of OSCQuery; 0 takes any free one, -1 none.  [default: 9702, if it is free]",
)
@click.option(
    "--announce/--no-announce",
    default=None,
    help="Announce both ports by zeroconf (extra: discovery).  [default: with --bind, if it is installed]",
)
@click.option(
    "--link",
    is_flag=False,
    flag_value="heart",
    type=click.Choice(["heart", "session"]),
    help="Join Ableton Link (extra: link): the heart leads the tempo, or the session does.  [alone: heart]",
)
@click.option(
    "--dead-man",
    type=click.FloatRange(min=0.5),
    metavar="SECONDS",
    help="Fall silent, as by /heart/panic, when no client has said anything for so long.",
)
@click.option(
    "--standby/--no-standby",
    default=True,
    show_default=True,
    help="Keep a second voice loaded, so that one that dies is replaced at once (its memory: docs/stage.md).",
)
@click.option("--devices", is_flag=True, help="List the sound devices and exit.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the run's figures as JSON when it ends.")
def live(devices: bool, mode: str | None, report: Path | None, **options: Any) -> None:
    """The engine: OSC in and out, audio stream, ear and voice. Ctrl-C ends it."""
    if devices:
        from heart.plumbing.device import list_devices

        for device in list_devices():
            click.echo(device)
        return
    from heart.config import LiveConfig, shipped
    from heart.stage.console import run_live

    if options["beats"] and options["ecg"]:
        raise UsageError("--ecg and --beats: give one of them")
    if mode == "track" and not (options["beats"] or options["ecg"]):
        raise UsageError("--mode track: name the file of its beats with --beats or --ecg")
    settings = {name: options.pop(name) for name in SETTINGS}
    options["sounds"] = options["sounds"] or shipped("sounds")
    run_live(LiveConfig(mode=mode or _mode(options), settings=settings, **options), report)


def _mode(options: dict[str, Any]) -> str:
    """Who leads when nobody says it; a score says it itself."""
    if options["score"]:
        return "lead"
    if options["beats"] or options["ecg"]:
        return "track"
    return "follow" if options["heart"] or options["device_in"] else "lead"


@click.command()
@click.option("--heart", type=click.Path(path_type=Path), help="Your own heart recording for the last part.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help="Folder for demo.wav, demo.png and demo.json.",
)
@click.option(
    "--seconds",
    default=64.0,
    show_default=True,
    type=click.FloatRange(min=20),
    help="Length of the performance.",
)
@click.option("--voice", default="voice", show_default=True)
def demo(heart: Path | None, out: Path, seconds: float, voice: str) -> None:
    """A minute of the instrument, over the real wire: no device, Max, network or data needed."""
    from heart.stage.demo import run_demo

    run_demo(out, heart, seconds, voice)


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw what was heard (one file: a PNG; several: a folder).",
)
@click.option(
    "--live", "as_live", is_flag=True, help="Play the file to the live ear in real time, a line a second."
)
@click.option("--in", "device_in", help="Listen on this sound device instead (`heart live --devices` lists them).")
@click.option("--backend", type=click.Choice(["auto", "sounddevice", "pyaudio"]), default="auto", show_default=True)
@click.option("--seconds", type=click.FloatRange(min=1), help="With --in: how long; otherwise until Ctrl-C.")
def listen(
    files: tuple[Path, ...],
    as_json: bool,
    plot: Path | None,
    as_live: bool,
    device_in: str | None,
    backend: str,
    seconds: float | None,
) -> None:
    """What the ear hears in FILES (folders; - for standard input), or live.

    Beats, rate, variability; scene, valve and condition; and how sure it is of each. This is no medical device.
    """
    from heart.stage import overhear
    from heart.stage.listeners import listen_to

    if device_in is not None:
        overhear.overhear_device(device_in, backend, seconds, as_json)
    elif not files:
        raise UsageError("nothing to listen to: name a sound file or a folder, or a device with --in")
    elif as_live:
        for path in files:
            overhear.overhear_file(path, as_json)
    elif listen_to(files, as_json, plot):
        sys.exit(1)
