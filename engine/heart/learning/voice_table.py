"""The figures of a voice as a page to read: `as_text`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heart.learning.classes.table import columns, percent


def as_text(figures: Mapping[str, Any]) -> str:
    """Everything evaluate_voice found, as lines of at most 116 characters."""
    parts = [_beats(figures), _classes(figures), _likeness(figures), _styles(figures["styles"]), _stream(figures)]
    return "\n\n".join("\n".join(part) for part in parts)


def _beats(figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"{figures['voice']}, {figures['steps']} steps: what was asked, and what is heard in it"
    heads = ("", "F1 20 ms", "F1 40 ms", "on recordings", "lag ms", "ear 20 ms", "ear 40 ms", "rate said",
             "MAE bpm", "RMSSD said", "MAE ms")  # fmt: skip
    beats, rhythm = figures["beats"], figures["rhythm"]
    names = [("all", beats["all"], rhythm["all"])]
    for kind, unit in (("labels", ""), ("bpm", " bpm")):
        names += [(f"{name}{unit}", beats[kind][name], rhythm[kind][name]) for name in beats[kind]]
    judged = beats["judge_on_recordings"]
    rows = [
        (name, f"{b['f1_20ms']:.3f}", f"{b['f1_40ms']:.3f}", _judged(judged.get(name)), f"{b['lag_ms']:.1f}",
         f"{r['ear_f1_20ms']:.3f}", f"{r['ear_f1_40ms']:.3f}", percent(r["bpm_said"]), _or_dash(r["bpm_mae"]),
         percent(r["rmssd_ms_said"]), _or_dash(r["rmssd_ms_mae"]))
        for name, b, r in names
    ]  # fmt: skip
    yield from columns(heads, rows)
    yield "F1: of a judge that reads an envelope; on recordings: its F1 at 20 and 40 ms on validation recordings,"
    yield "against the marks of the ear; ear: F1 of the ear's own beats in the sung sounds"


def _classes(figures: Mapping[str, Any]) -> Iterator[str]:
    heard = figures["classes"]
    yield (
        f"the label asked is the one ear-valve hears: {percent(heard['agreement'])} of {heard['sounds']} sounds; "
        f"on validation recordings it is right in {percent(heard['ear_on_recordings'])}"
    )
    rows = [
        (a, *row, percent(heard["agreement_by_label"].get(a)), percent(heard["ear_on_recordings_by_label"].get(a)))
        for a, row in zip(heard["labels"], heard["asked_by_heard"])
    ]
    yield from columns(("asked \\ heard", *heard["labels"], "agrees", "recordings"), rows)


def _likeness(figures: Mapping[str, Any]) -> Iterator[str]:
    apart, copied = figures["frechet"], figures["copying"]
    yield (
        f"Frechet distance to validation recordings: sung {apart['sung_to_val']:.1f}, training recordings "
        f"{apart['train_to_val']:.1f}, ratio {apart['ratio']:.2f}; sung to training {apart['sung_to_train']:.1f}"
    )
    yield (
        f"with a twin among training recordings: sung {percent(copied['sung_with_twin_in_train'])} (highest "
        f"correlation {copied['highest_correlation_sung']:.2f}), validation "
        f"{percent(copied['val_with_twin_in_train'])}, training {percent(copied['train_with_twin_in_train'])}"
    )
    yield (
        f"distance to the nearest training recording (median): sung {copied['nearest_sung']:.2f}, validation "
        f"{copied['nearest_val']:.2f}, training {copied['nearest_train']:.2f}"
    )


def _styles(styles: Mapping[str, Any]) -> Iterator[str]:
    yield "sung (training median; validation 10 to 90 %), dB against S1"
    names = ("floor_db", "s2_db", "systole_db", "diastole_db")
    rows = [(label, *(_range(table[name]) for name in names)) for label, table in styles.items()]
    yield from columns(("label", "floor", "S2", "systole", "diastole"), rows)


def _stream(figures: Mapping[str, Any]) -> Iterator[str]:
    yield ", ".join(f"{name} {value:g}" for name, value in figures["stream"].items())


def _range(figure: Mapping[str, float]) -> str:
    return f"{figure['sung']:.1f} ({figure['train']:.1f}; {figure['low']:.1f} to {figure['high']:.1f})"


def _judged(row: Mapping[str, float] | None) -> str:
    return "" if row is None else f"{row['f1_20ms']:.3f} {row['f1_40ms']:.3f}"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
