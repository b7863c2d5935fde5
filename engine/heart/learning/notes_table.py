"""Autoencoders of every size, and the plain nets, trained alike and compared: one table, one picture.

`heart train notes-table` trains them all into one folder, `heart evaluate notes-table --data FOLDER` compares what
it finds there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heart.errors import FileError
from heart.learning.ear_progress import Telling
from heart.learning.notes_ae import SIZES, train_on
from heart.learning.notes_data import Note
from heart.learning.notes_ear import HEARD, NoteEar, train_ear
from heart.learning.notes_evaluate import heap_figures, remade_figures
from heart.learning.notes_fronts import front_figures
from heart.learning.notes_gan import conditions, fight, plain_duel
from heart.learning.notes_pack import PLAYED, Pack, gather_notes, pack_notes
from heart.learning.notes_school import CHECKPOINT
from heart.learning.notes_seed import (
    NOISE,
    PlainAutoencoder,
    PlainGenerator,
    pack_grids,
    plain_back,
    train_plain_ae,
)
from heart.sounding.notes.kinds import FAMILIES
from heart.sounding.notes.net import VIBRATO_RATE_HZ, Autoencoder
from heart.sounding.notes.spectra import small

MINUTES = 5.0
PLAIN, PLAIN_GAN, EAR = "plain-ae-16", "plain-gan", "ear"


def train_table(data: Path | None, out: Path, minutes: float = MINUTES, seed: int = 0, resume: bool = True) -> Path:
    """Train everything that is compared, each for so many minutes of CPU time; returns `out`."""
    torch.set_num_threads(1)
    pack = open_pack(data, out.parent)
    grids = pack_grids(pack.notes, out.parent / "pack")
    for size in SIZES:
        train_on(pack, out / f"notes-ae-{size}", minutes, seed, resume, size)
    train_plain_ae(pack, grids, out / PLAIN, minutes, seed, resume)
    fight(plain_duel(grids), pack, out / PLAIN_GAN, minutes, seed, resume)
    train_ear(pack, out / EAR, seed=seed, resume=resume)
    return out


def open_pack(data: Path | None, folder: Path) -> Pack:
    """The notes of a training and their spectra, made where they are missing."""
    with Telling() as tell:
        return pack_notes(gather_notes(data, folder, tell), folder / "pack", tell)


def evaluate_table(data_dir: Path | None, picture: Path | None = None) -> dict[str, Any]:
    """Compare the nets of a folder of `train_table`, on the held-out notes they were trained beside."""
    if data_dir is None or not (data_dir / PLAIN).is_dir():
        raise FileError(
            f"{data_dir}: no folder of `heart train notes-table`; train it, then give its folder with --data"
        )
    torch.set_num_threads(1)
    pack = open_pack(None, data_dir.parent)
    notes = [pack.notes[place] for place in pack.val]
    nets = {
        f"ours, {size}": _ours(data_dir / f"notes-ae-{size}", size) for size in SIZES if _is_there(data_dir, size)
    }
    rows = {name: _net_figures(net, notes) for name, net in nets.items()}
    rows |= _plain_figures(_plain(data_dir / PLAIN), notes)
    heaps = {"plain GAN": _plain_gan_figures(data_dir, pack)}
    fronts = front_figures(notes[::10])
    if picture:
        _draw(data_dir, nets, rows, notes, picture)
    return {"autoencoders": rows, "generators": heaps, "front_ends": fronts, "text": as_text(rows, heaps, fronts)}


def _draw(
    data: Path, nets: dict[str, Autoencoder], rows: dict[str, Any], notes: Sequence[Note], picture: Path
) -> None:
    from heart.learning.notes_picture import draw, examples_of

    plain, shown = _plain(data / PLAIN), ("ours, 16", "ours, 64")
    examples = [
        (note, {name: remade(nets[name], note) for name in shown} | {"plain MSE, 16": plain_remade(plain, note)[1]})
        for note in examples_of(notes)
    ]
    draw(
        {f"{size} latents": data / f"notes-ae-{size}" / "loss.csv" for size in SIZES if _is_there(data, size)},
        rows,
        examples,
        picture,
    )


def _is_there(folder: Path, size: int) -> bool:
    return (folder / f"notes-ae-{size}" / CHECKPOINT).is_file()


def _load(net: torch.nn.Module, folder: Path, part: str = "ema") -> Any:
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    net.load_state_dict(state[part])
    return net.eval().requires_grad_(False)


def _ours(folder: Path, size: int) -> Autoencoder:
    return _load(Autoencoder(size, PLAYED), folder)


def _plain(folder: Path) -> PlainAutoencoder:
    return _load(PlainAutoencoder(16), folder)


def remade(net: Autoencoder, note: Note) -> np.ndarray:
    """A note encoded and decoded with its pitch and no family."""
    from heart.sounding.notes.spectra import knot_levels

    pitch = torch.tensor([float(note.pitch)])
    levels = torch.tensor(knot_levels(note.sound())[None], dtype=torch.float32)
    with torch.inference_mode():
        still = torch.tensor([[0.0, VIBRATO_RATE_HZ]])
        return net(net.encode(levels, pitch), pitch, torch.zeros(1, 6), still)[0].numpy()


def plain_remade(net: PlainAutoencoder, note: Note) -> tuple[np.ndarray, np.ndarray]:
    """The first second of a note through the plain net, by its own phases and by Griffin-Lim's."""
    with torch.inference_mode():
        grid = net(torch.tensor(small(note.sound())[None], dtype=torch.float32))[0].numpy()
    return plain_back(grid.astype(np.float64))


def _net_figures(net: Autoencoder, notes: Sequence[Note]) -> dict[str, Any]:
    made = {note.name: remade(net, note) for note in notes}
    whole = remade_figures(lambda note: made[note.name], notes)
    first = remade_figures(lambda note: made[note.name], notes, HEARD)
    return {**whole, "first_second_lsd_db": first["lsd_db"], "first_second_pitch": first["pitch_kept_20_cents"]}


def _plain_figures(net: PlainAutoencoder, notes: Sequence[Note]) -> dict[str, dict[str, Any]]:
    made = {note.name: plain_remade(net, note) for note in notes}

    def figures(which: int) -> dict[str, Any]:
        first = remade_figures(lambda note: made[note.name][which], notes, HEARD)
        return {"first_second_lsd_db": first["lsd_db"], "first_second_pitch": first["pitch_kept_20_cents"]}

    return {"plain MSE, 16, its phases": figures(0), "plain MSE, 16, Griffin-Lim": figures(1)}


def _plain_gan_figures(data: Path, pack: Pack) -> dict[str, float]:
    net, ear = _load(PlainGenerator(), data / PLAIN_GAN, "average"), _load(NoteEar(), data / EAR)
    notes = [pack.notes[place] for place in pack.val]
    pitch, family = conditions(pack, pack.val)
    generator = torch.Generator().manual_seed(0)
    sounds = []
    with torch.inference_mode():
        for begin in range(0, len(notes), 32):
            part = slice(begin, begin + 32)
            noise = torch.randn(len(pitch[part]), NOISE, generator=generator)
            grids = net(noise, pitch[part], family[part]).numpy().astype(np.float64)
            sounds += [plain_back(grid)[1] for grid in grids]
    return heap_figures(ear, sounds, notes, [note.sound() for note in notes])


def as_text(*tables: dict[str, dict[str, Any]]) -> str:
    """Tables of rows, one under the other; figures by family are left to the JSON."""
    lines: list[str] = []
    for table in tables:
        families = {f"{word}_lsd_db" for word in FAMILIES}
        names = [n for n in dict.fromkeys(name for row in table.values() for name in row) if n not in families]
        lines.append("".join([f"{'':28}", *(f"{name[:20]:>22}" for name in names)]))
        for word, row in table.items():
            lines.append("".join([f"{word:28}", *(f"{row.get(name, ''):>22}" for name in names)]))
        lines.append("")
    return "\n".join(lines)
