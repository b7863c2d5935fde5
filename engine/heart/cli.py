"""The door: each command parses, calls one function, and prints. Heavy imports wait inside the commands."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from heart import __version__
from heart.cli_dance import COMMANDS, or_dance, prepare
from heart.errors import HeartError, UsageError

DISCLAIMER = "An instrument, not a medical device."

DATA = click.option(
    "--data", type=click.Path(path_type=Path), help="Folder of recordings with a manifest.csv (or HEART_DATA)."
)

RHYTHM = (
    click.option(
        "--systole",
        default=1.0,
        show_default=True,
        type=click.FloatRange(0.7, 1.3),
        help="Time from S1 to S2, as a share of what the rate would have.",
    ),
    click.option(
        "--balance",
        default=0.0,
        show_default=True,
        type=click.FloatRange(-1, 1),
        help="-1: S1 alone, 0: as sung, 1: S2 alone.",
    ),
    click.option(
        "--pattern",
        default="sinus",
        show_default=True,
        type=click.Choice(["sinus", "pvc", "bigeminy", "trigeminy", "couplet", "skipped", "af"]),
        help="Rhythm: premature (pvc), skipped or fibrillating (af) beats.",
    ),
    click.option(
        "--ectopy",
        default=0.1,
        show_default=True,
        type=click.FloatRange(0, 0.33),
        help="Share of beats that pvc, couplet and skipped change.",
    ),
    click.option(
        "--beats",
        type=click.Path(path_type=Path),
        help="Sing the beats of this file: RR intervals (text), an ECG record (.hea), or heart listen's JSON.",
    ),
)
"""Options of `heart live` and `heart generate`."""

SETTINGS = ("systole", "balance", "pattern", "ectopy", "ear_hop", "ear_window")
"""Options of `heart live` that are parameters, and can be turned later."""


DEVICE = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "mps", "auto"]),
    default="cpu",
    show_default=True,
    help="Where the voice's nets run; `heart bench --device` tells whether it is faster there.",
)
"""Option of all who open a voice."""


def rhythm(command: Any) -> Any:
    """The options of RHYTHM."""
    for option in reversed(RHYTHM):
        command = option(command)
    return command


RANGES = {"bpm": "bpm", "snr_db": "snr", "rmssd_ms": "rmssd"}
"""Ranges of `heart data synth`: the recipe's word and the option's."""


class Door(click.Group):
    """Turns an expected error into one line and an exit code, and lists commands in the order written."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeartError as error:
            if ctx.params.get("debug"):
                raise
            click.echo(f"heart: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
            ctx.exit(130)


@click.group(cls=Door, epilog=DISCLAIMER, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="heart")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug logging.")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens.")
def main(debug: bool, verbose: bool) -> None:
    """Sounds of the Heart: listens to a heart and sings it back, live over OSC or offline."""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    form = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=form, stream=sys.stderr)
    if not (debug or verbose):
        # What happens to a worker is told in a line of its own; its log and traceback are for -v.
        for worker in ("voice", "ear", "sound", "recorder"):
            logging.getLogger(f"heart.{worker}").setLevel(logging.CRITICAL)


@main.command()
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
    help="lead: you set the beat; follow: the ear does; track: the --beats file does."
    " Default: track with --beats, follow with --heart or --in, else lead.",
)
@click.option("--heart", type=click.Path(path_type=Path), help="A heart sound file, played to the ear as if live.")
@rhythm
@click.option("--loop", is_flag=True, help="Play the --heart or --beats file again and again.")
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
    "--sounds",
    type=click.Path(path_type=Path),
    help="Folder whose sounds /heart/sound/load may have, for vary and morph.",
)
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
@click.option("--devices", is_flag=True, help="List the sound devices and exit.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the run's figures as JSON when it ends.")
def live(devices: bool, mode: str | None, report: Path | None, **options: Any) -> None:
    """The engine: OSC in and out, audio stream, ear and voice. Ctrl-C ends it."""
    if devices:
        from heart.plumbing.device import list_devices

        for device in list_devices():
            click.echo(device)
        return
    from heart.config import LiveConfig
    from heart.stage.console import run_live

    if mode == "track" and not options["beats"]:
        raise UsageError("--mode track: name the file of its beats with --beats")
    follows = "follow" if options["heart"] or options["device_in"] else "lead"
    settings = {name: options.pop(name) for name in SETTINGS}
    run_live(
        LiveConfig(mode=mode or ("track" if options["beats"] else follows), settings=settings, **options), report
    )


@main.command()
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


@main.command()
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


@main.command()
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), help="WAV or FLAC; with --count a folder."
)
@click.option(
    "--label",
    default="normal",
    show_default=True,
    help="normal, AS, MR, MS, MVP (or their full names), murmur; or storm, rain, wind, sea, birds, fire, bells, "
    "jazz, piano, breath.",
)
@click.option("--mix", default="", metavar="LABEL:WEIGHT,...", help="Several at once instead: N:0.5,storm:0.5.")
@click.option("--bpm", type=click.FloatRange(30, 220), help="Rate; 72, or that of the --beats file.")
@click.option("--rmssd", default=30.0, show_default=True, type=click.FloatRange(0, 200), help="Variability in ms.")
@rhythm
@click.option("--loop", is_flag=True, help="Sing the --beats file again and again, for as long as --seconds.")
@click.option(
    "--ramp",
    "ramps",
    multiple=True,
    metavar="NAME:FROM:TO:SECONDS",
    help="Move bpm, rmssd, systole, balance or ectopy in the first seconds; repeat.",
)
@click.option("--seconds", type=click.FloatRange(0.5, 3600), help="Length; 10, or that of the --beats file.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**24 - 1))
@click.option("--steps", default=8, show_default=True, type=click.IntRange(1, 200))
@click.option("--guidance", default=1.0, show_default=True, type=click.FloatRange(0, 8))
@click.option("--voice", default="voice", show_default=True)
@click.option(
    "--sampler", default="ddim", show_default=True, help="ddim, or one of k-diffusion's (extra: k-diffusion)."
)
@DEVICE
@click.option("--count", type=click.IntRange(1, 10_000), help="Make this many, with seeds from --seed on.")
@click.option(
    "--batch",
    default=4,
    show_default=True,
    type=click.IntRange(1, 64),
    help="With --count: sung at once. Only 1 gives the very bits of a sound made alone; others are within 1e-4.",
)
@or_dance("generate")
def generate(out: Path, count: int | None, **wishes: Any) -> None:
    """Sing a new heart, or a texture, into a file."""
    from heart.stage.offline import generate_files

    generate_files(out, count, **wishes)


@main.command()
@click.option(
    "--again",
    "log",
    required=True,
    type=click.Path(path_type=Path),
    help="Sing again what `heart live --log` noted: the tape itself, before gain and guard, bit for bit.",
)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="A WAV file; float32.")
@click.option("--from", "from_s", default=0.0, show_default=True, type=click.FloatRange(0), help="Seconds.")
@click.option("--to", "to_s", type=click.FloatRange(0), help="Seconds; else to the end.")
def render(log: Path, out: Path, from_s: float, to_s: float | None) -> None:
    """Render offline, faster than real time: a live run again, from its log."""
    from heart.stage.again import sing_again

    told = sing_again(log, out, from_s, to_s)
    same = "every one as it was, bit for bit" if not told.different else f"{told.different} of them in other bits"
    click.echo(f"{out}: {told.seconds:.2f} s; {told.chunks} chunks sung again, {same}", err=True)


def sung(command: Callable[..., None]) -> Callable[..., None]:
    """The options of all that is sung from given sounds: those of generate, label and beat left to the sound."""
    options = (
        click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="WAV or FLAC."),
        click.option("--label", default="", help="Condition to sing; default: none, the sound brings its own."),
        click.option("--bpm", type=click.FloatRange(30, 220), help="Beat to sing; default: the sound's own."),
        click.option("--rmssd", default=0.0, show_default=True, type=click.FloatRange(0, 200), help="With --bpm."),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**24 - 1)),
        click.option("--steps", default=8, show_default=True, type=click.IntRange(1, 200)),
        click.option("--guidance", default=1.0, show_default=True, type=click.FloatRange(0, 8)),
        click.option("--voice", default="voice-heart", show_default=True),
        click.option("--sampler", default="ddim", show_default=True, help="As in heart generate."),
    )
    for option in reversed(options):
        command = option(command)
    return command


IN = click.argument("path", metavar="IN", type=click.Path(path_type=Path))


@main.command()
@IN
@sung
@click.option(
    "--strength", default=0.5, show_default=True, type=float, help="0: the sound itself, 1: nothing of it."
)
@click.option("--follow", is_flag=True, help="Keep the beats where the ear hears them in IN.")
@or_dance("vary")
def vary(path: Path, **wishes: Any) -> None:
    """Re-imagine the sound IN."""
    from heart.stage.remade import vary_file

    vary_file(path, **wishes)


@main.command()
@click.argument("paths", metavar="A B [C ...]", nargs=-1, required=True, type=click.Path(path_type=Path))
@sung
@click.option("--weights", help="One for each sound, 0..1, with commas between; default: all alike.")
@click.option("--path", type=click.Path(path_type=Path), help="Text file of rows time,weights: weights that move.")
@click.option(
    "--method",
    default="slerp",
    show_default=True,
    help="slerp: along the inverted noise of the sounds; fade: cross-fade of their coefficients.",
)
@click.option("--seconds", type=click.FloatRange(0.1, 1800), help="Default: as long as the longest sound.")
@or_dance("morph")
def morph(paths: tuple[Path, ...], **wishes: Any) -> None:
    """Sing between two sounds or more."""
    from heart.stage.remade import morph_files

    morph_files(paths, **wishes)


@main.command("continue")
@IN
@sung
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 3600), help="To sing on.")
@or_dance("continue")
def continue_(path: Path, **wishes: Any) -> None:
    """Sing on where the sound IN ends; what was there stays as it is."""
    from heart.stage.remade import continue_file

    continue_file(path, **wishes)


@main.command()
@IN
@sung
@click.option("--from", "from_s", required=True, type=float, metavar="S", help="Begin of the span, in seconds.")
@click.option("--to", "to_s", required=True, type=float, metavar="S", help="Its end.")
@or_dance("inpaint")
def inpaint(path: Path, **wishes: Any) -> None:
    """Sing a span of the sound IN anew; all else stays bit for bit."""
    from heart.stage.remade import inpaint_file

    inpaint_file(path, **wishes)


@main.group(cls=Door, invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """The models that are here, and whether they are whole."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(models_list)


@models.command("list")
def models_list() -> None:
    """Every model, a line each."""
    from heart.cards import list_models

    for model in list_models():
        click.echo(f"{model.name:16} {model.card['kind']:10} {model.card.get('words', '')}")
    click.echo(f"{'pulse':16} {'voice':10} a heartbeat from arithmetic; needs no weights")


@models.command("show")
@click.argument("name")
def models_show(name: str) -> None:
    """The card of one model."""
    from heart.cards import find_model

    click.echo((find_model(name).path / "card.toml").read_text(encoding="utf-8"), nl=False)


@models.command("check")
def models_check() -> None:
    """Compare every model's weights with the checksum on its card."""
    from heart.cards import list_models

    for model in list_models():
        files = [model.weights, *map(model.few_step_weights, model.few_steps)]
        click.echo(f"{model.name}: {', '.join(path.name for path in files)} is whole")


for command in COMMANDS:
    models.add_command(command)
main.add_command(prepare)


@main.group(cls=Door, invoke_without_command=True)
@click.pass_context
def data(ctx: click.Context) -> None:
    """Recordings to train and measure with: what to fetch from where, or hearts made from arithmetic."""
    if ctx.invoked_subcommand is None:
        from heart.learning.data_sources import guide

        click.echo(guide())


@data.command("synth")
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder.")
@click.option("--count", default=1000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same bytes.")
@click.option("--bpm-low", default=50.0, show_default=True)
@click.option("--bpm-high", default=120.0, show_default=True)
@click.option("--snr-low", default=5.0, show_default=True, help="Heart over noise, in dB.")
@click.option("--snr-high", default=25.0, show_default=True)
@click.option("--rmssd-low", default=5.0, show_default=True, help="Variability in ms.")
@click.option("--rmssd-high", default=80.0, show_default=True)
@click.option("--seconds", default=5.0, show_default=True)
@click.option("--rate", "rate_hz", default=1000, show_default=True, help="Sample rate in Hz.")
@click.option(
    "--ectopics", default=0.0, show_default=True, type=click.FloatRange(0, 0.5), help="Early beats, 0..0.5."
)
@click.option("--murmurs", default=0.0, show_default=True, type=click.FloatRange(0, 1), help="Share with a murmur.")
@click.option("--kind", default="flac", show_default=True, type=click.Choice(["flac", "wav"]))
def data_synth(out: Path, count: int, seed: int, kind: str, **wish: Any) -> None:
    """Make hearts with known beats, rate and variability: sounds, tables of states, manifest.csv."""
    from heart.learning.ear_progress import Telling
    from heart.learning.synth import Recipe
    from heart.learning.synth_files import write_set

    ranges: dict[str, Any] = {
        name: (wish.pop(f"{part}_low"), wish.pop(f"{part}_high")) for name, part in RANGES.items()
    }
    recipe = Recipe(**ranges, **wish)
    with Telling() as tell:
        manifest = write_set(out, count, seed, recipe, kind, tell)
    click.echo(manifest)


@main.command()
@click.argument("model")
@DATA
@click.option("-o", "--out", type=click.Path(path_type=Path), default=Path("build/train"), show_default=True)
@click.option("--minutes", type=click.FloatRange(min=0.1), help="Of training; else as long as it needs.")
@click.option("--seed", default=0, show_default=True)
@click.option("--fresh", is_flag=True, help="Begin anew instead of resuming from the last checkpoint.")
@click.option("--from", "start", type=click.Path(path_type=Path), help="dance-heart: the checkpoint to fine-tune.")
@click.option("--name", "own", help="Of a voice of your own sounds; else the folder's.")
def train(model: str, data: Path | None, out: Path, own: str | None, fresh: bool, **wishes: Any) -> None:
    """Train MODEL (voice-heart, voice-texture, ear-valve or just valve), resuming where it stopped.

    With voice-heart or voice-texture and a folder of your own sound files as --data (no manifest.csv, no labels)
    the shipped voice learns from them, in half an hour, and becomes a new one: heart generate --voice NAME.
    """
    from heart.learning import train_model

    given = {key: value for key, value in wishes.items() if value is not None}
    train_model(model, data, out, own, not fresh, given)


@main.command()
@click.argument("name")
@DATA
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the confusion matrix as a PNG.")
def evaluate(name: str, data: Path | None, as_json: bool, picture: Path | None) -> None:
    """Measure model NAME on the validation recordings (valve is short for ear-valve)."""
    from heart.config import data_dir
    from heart.learning.measure import measure

    figures = measure(name, data_dir(data), picture)
    text = figures.pop("text", None)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(text or json.dumps(figures, indent=2))


@main.command()
@click.option("--markdown", "form", flag_value="markdown", help="As a page (this is docs/osc.md).")
@click.option("--json", "form", flag_value="json", help="In OSCQuery's vocabulary.")
@click.option("--check", metavar="HOST:PORT", help="Ask a running engine whether it answers.")
def osc(form: str | None, check: str | None) -> None:
    """Every OSC address of the engine, with arguments, units and ranges."""
    from heart import namespace

    if check:
        from heart.stage.report import check_engine

        click.echo(check_engine(check))
        return
    pages = {"markdown": namespace.as_markdown, "json": namespace.as_json, None: namespace.as_text}
    page = pages[form]()
    click.echo(page if isinstance(page, str) else json.dumps(page, indent=2))


@main.command()
@click.argument("what", required=False, type=click.Choice(["dance-diffusion"]))
@click.option("--seconds", default=20.0, show_default=True, help="Sound to sing for each step count.")
@click.option("--voice", default="voice", show_default=True)
@click.option("--threads", default=0, show_default=True, help="Threads of the voice; 0 takes half the cores.")
@DEVICE
def bench(what: str | None, seconds: float, voice: str, threads: int, device: str) -> None:
    """How fast this machine sings: p50 and p95 of real time for each step count, and what to set.

    dance-diffusion: what a step of Dance Diffusion's full net takes here instead, in time and memory.
    """
    from heart.stage.dance_bench import bench_dance
    from heart.stage.report import bench_voice

    for line in bench_dance(threads) if what else bench_voice(voice, seconds, threads, device):
        click.echo(line)


@main.command("max")
@click.option("--install", is_flag=True, help="Copy it where Max looks: Documents/Max 9/Packages, or Max 8.")
@click.option("--to", type=click.Path(path_type=Path), help="With --install: another folder of packages.")
def max_(install: bool, to: Path | None) -> None:
    """Where the Max package is; --install copies it into Max."""
    from heart.stage import max_package

    if not install:
        click.echo(f"{max_package.folder()}\nheart max --install copies it into Max; docs/max.md tells the rest")
        return
    click.echo(f"{max_package.install(to)}\nrestart Max; then Extras > Sounds of the Heart")


@main.command()
def doctor() -> None:
    """What is wrong with this machine's set-up, and how to mend it."""
    from heart.stage.report import examine

    well = True
    for ok, line in examine():
        click.echo(f"{'ok ' if ok else 'NO '} {line}")
        well = well and ok
    if not well:
        raise UsageError("the lines marked NO say what to do")


if __name__ == "__main__":
    main()
