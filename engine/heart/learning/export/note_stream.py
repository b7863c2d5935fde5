"""The notes' decoder as a TorchScript module of nn~'s contract: gate, pitch and latents in, notes out.

A note is decoded whole when its gate opens and added to what is still to sound: any number may ring at once, and a
buffer costs as much as the notes that begin in it. The rate of the notes is raised to 44.1 kHz by windowed sines.

Letters: B items, L latents, n samples.
"""

from __future__ import annotations

import math
import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heart.learning.export.contract import Contract
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.notes.kinds import FAMILIES, HIGHEST, LOWEST, RATE_HZ, SAMPLES
from heart.sounding.notes.model import LOUDEST, REACH, NoteVoice
from heart.sounding.notes.net import VIBRATO_RATE_HZ

RATIO = 256
"""Samples for which there is one value of a control: a note begins 5.8 ms after its gate opened at the latest."""
MOST_NOTES = 8
"""That may begin in one buffer; of more, the later ones are left out."""
CROSSINGS = 24
"""Zero crossings of the sines on either side."""
END = 882
"""Samples (20 ms) over which the end of a note is faded."""


class Raise(nn.Module):
    """Sound at RATE_HZ [B, SAMPLES] to SAMPLE_RATE_HZ: a polyphase bank of sines under a Hann window."""

    def __init__(self) -> None:
        super().__init__()
        common = math.gcd(RATE_HZ, SAMPLE_RATE_HZ)
        self.step, self.phases = RATE_HZ // common, SAMPLE_RATE_HZ // common
        time = torch.arange(-CROSSINGS, CROSSINGS + self.step).double()
        place = time[None] - torch.arange(self.phases).double()[:, None] * self.step / self.phases
        window = torch.cos(place.clamp(-CROSSINGS, CROSSINGS) * math.pi / 2 / CROSSINGS) ** 2
        self.kernel: Tensor = (torch.sinc(place) * window).float()[:, None]
        self.before, self.after, self.length = CROSSINGS, CROSSINGS + self.step, SAMPLES * self.phases // self.step

    def forward(self, sound: Tensor) -> Tensor:
        """[B, SAMPLES] to [B, length]."""
        padded = F.pad(sound[:, None], (self.before, self.after))
        return F.conv1d(padded, self.kernel, stride=self.step).transpose(1, 2).flatten(1)[:, : self.length]


class NoteStream(Contract):
    """Notes of an autoencoder. The gate's height is the velocity, 0 .. 1."""

    def __init__(self, voice: NoteVoice) -> None:
        super().__init__()
        z, pitch = torch.zeros(1, voice.latents), torch.tensor([60.0])
        given = (z, pitch, torch.zeros(1, len(FAMILIES)), torch.tensor([[0.0, VIBRATO_RATE_HZ]]))
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            self.net = torch.jit.trace(voice.net, given, check_trace=False)
        self.raised = Raise()
        self.families, self.family, self.latents = list(FAMILIES), "", voice.latents
        self.ratio, self.most, self.vibrato, self.vibrato_hz = RATIO, MOST_NOTES, 0.0, VIBRATO_RATE_HZ
        self.lowest, self.highest, self.reach, self.loudest = float(LOWEST), float(HIGHEST), REACH, LOUDEST
        self.ending: Tensor = torch.linspace(1, 0, END)
        self.coming: Tensor = torch.zeros(1, 0)
        """[B, ...] what is still to sound."""
        self.gates: Tensor = torch.zeros(1)
        words = ["(signal) gate: opens a note, its height the velocity 0..1", "(signal) pitch, MIDI"]
        words += [f"(signal) latent {number + 1}: {_said(voice, number)}" for number in range(voice.latents)]
        self.register_method("forward", len(words), RATIO, 1, 1, words, ["(signal) the notes"])
        self.register_attribute("family", "")
        self.register_attribute("vibrato", 0.0)
        self.register_attribute("reset", 0)

    def forward(self, x: Tensor) -> Tensor:
        """Controls [B, 2 + L, n / RATIO] to sound [B, 1, n]."""
        frames, items, x = x.shape[2] * self.ratio, x.shape[0], torch.nan_to_num(x.float().cpu(), 0.0, 0.0, 0.0)
        if items != self.coming.shape[0]:
            self.coming, self.gates = torch.zeros(items, 0), torch.zeros(items)
        coming = F.pad(self.coming, (0, max(0, frames + self.raised.length - self.coming.shape[1])))
        before = torch.cat([self.gates[:, None], x[:, 0, :-1]], 1)
        opened = (before <= 0) & (x[:, 0] > 0)
        for item in range(items):
            places: list[int] = torch.nonzero(opened[item]).flatten()[: self.most].tolist()
            for place in places:
                note = self.note(x[item, :, place])
                coming[item, place * self.ratio : place * self.ratio + note.shape[0]] += note
        self.coming, self.gates = coming[:, frames:], x[:, 0, -1]
        return coming[:, None, :frames].clone()

    def note(self, said: Tensor) -> Tensor:
        """One note from its controls [2 + L]: float32 [length]."""
        beyond = (said[2:].abs() - self.reach).clamp(min=0)
        z = said[2:].sign() * (said[2:].abs() - beyond + torch.tanh(beyond))
        family = torch.zeros(1, len(self.families))
        if self.family in self.families:
            family[0, self.families.index(self.family)] = 1.0
        vibrato = torch.tensor([[self.vibrato, self.vibrato_hz]])
        sound = torch.nan_to_num(self.net(z[None], said[1:2].clamp(self.lowest, self.highest), family, vibrato))
        velocity = float(said[0].clamp(0, 1))
        sound = self.raised(sound * (self.loudest * velocity**1.2 / max(float(sound.abs().max()), 1e-6)))[0]
        sound[-self.ending.shape[0] :] *= self.ending
        return sound

    @torch.jit.export
    def get_family(self) -> str:
        return self.family

    @torch.jit.export
    def set_family(self, family: str) -> int:
        """0, or -1 for one that there is not; "none" for none."""
        if family != "none" and family not in self.families:
            return -1
        self.family = family
        return 0

    @torch.jit.export
    def get_vibrato(self) -> float:
        return self.vibrato

    @torch.jit.export
    def set_vibrato(self, cents: float) -> int:
        if not (cents >= 0.0 and cents <= 200.0):
            return -1
        self.vibrato = cents
        return 0

    @torch.jit.export
    def get_reset(self) -> int:
        return 0

    @torch.jit.export
    def set_reset(self, reset: int) -> int:
        """Silence, at once."""
        if reset != 0:
            self.coming, self.gates = torch.zeros_like(self.coming[:, :0]), torch.zeros_like(self.gates)
        return 0


def _said(voice: NoteVoice, number: int) -> str:
    """What a latent does, as far as that was found."""
    return voice.faders[number] if number < len(voice.faders) else "timbre"
