"""Exactly invertible front end: 44.1 kHz sound to 16 channels at 2756.25 Hz and back. numpy only.

An orthonormal cosine-modulated lapped transform with M = 16 bands (an MDCT whose window is eight hops long
instead of two; Malvar, "Extended lapped transforms", IEEE TSP 1992). Nothing is learned: white noise stays
white and any sound comes back unharmed. The long window is there because a heart lies below 1 kHz: with the
MDCT's own sine window a 60 Hz tone leaks into every band (-27 dB already in the second), here the lowest
four bands hold it alone, so a net for hearts may leave the other twelve silent.

    frame k          reaches over the samples [16 k - 56, 16 k + 72)
    sound up to n    makes the frames k with 16 k + 72 <= n certain: k < certain_frames(n)
    sample n         is made of the frames k with 16 k - 56 <= n < 16 k + 72

Letters: T samples, K frames, M bands. All frame numbers are absolute (frame 0 at sample 0 of the tape).
"""

from __future__ import annotations

import numpy as np

HOP = 16
"""Samples between frames, and the number of bands (critical sampling)."""
BANDS = HOP
TAPS = 128
"""Samples a frame reaches over."""
BEFORE = 56
"""Samples of it that lie before 16 k."""
AFTER = TAPS - BEFORE
FRAME_RATE_HZ = 44_100 / HOP

# Rotation angles of the prototype's eight lattices (rows: polyphase pair, columns: stages). Any angles give
# perfect reconstruction; these minimise the prototype's energy above 2.4 kHz.
_ANGLES = np.array(
    [
        [-1.474557727965208, -1.370379117086974, 1.821274062912469, 1.668290669174646],
        [-1.471478035038386, -1.414162003143047, 1.870110661164094, 1.666099479305738],
        [-1.459139937219350, -1.446117746188781, 1.912619540436244, 1.654527622059254],
        [-1.430219743023792, -1.468900397123927, 1.940995972813379, 1.635980914872995],
        [-1.375969794379011, -1.483952411359428, 1.946035081014191, 1.611686159243847],
        [-1.283961748841500, -1.490293103356759, 1.914917034876199, 1.580390179161169],
        [-1.144837038359898, -1.482049726617078, 1.837995201705377, 1.535973291139462],
        [-0.988969574278860, -1.448433996414195, 1.745450511716226, 1.467880200451614],
    ]
)


def prototype() -> np.ndarray:
    """The low-pass of which all bands are modulations: float64 [TAPS], symmetric.

    Polyphase components j and j + M are power complementary because a lattice of rotations makes them
    (Vaidyanathan, "Multirate Systems and Filter Banks", 1993, section 8.3); symmetry gives the rest.
    """
    stages = _ANGLES.shape[1]
    h = np.zeros(TAPS)
    for j, angles in enumerate(_ANGLES):
        upper, lower = np.array([np.cos(angles[0])]), np.array([np.sin(angles[0])])
        for angle in angles[1:]:
            upper, lower = np.append(upper, 0.0), np.append(0.0, lower)
            upper, lower = (
                np.cos(angle) * upper - np.sin(angle) * lower,
                np.sin(angle) * upper + np.cos(angle) * lower,
            )
        taps = 2 * HOP * np.arange(stages)
        h[j + taps], h[HOP + j + taps] = upper, lower
        h[2 * HOP - 1 - j + taps], h[HOP - 1 - j + taps] = upper[::-1], lower[::-1]
    return h if h.sum() > 0 else -h


def _kernel() -> np.ndarray:
    n, k = np.arange(TAPS), np.arange(BANDS)[:, None]
    phase = (2 * k + 1) * np.pi / (2 * HOP) * (n - (TAPS - 1) / 2) + (-1.0) ** k * np.pi / 4
    return np.sqrt(2 / HOP) * prototype() * np.cos(phase)


KERNEL = _kernel()
"""float64 [BANDS, TAPS]: row m is what one unit in band m sounds like."""
_KERNEL32 = KERNEL.astype(np.float32)


def certain_frames(sample: int) -> int:
    """First frame that is not yet certain when the sound before `sample` is known."""
    return (sample - AFTER) // HOP + 1


def first_whole_frame(sample: int) -> int:
    """First frame that reaches over nothing before `sample`."""
    return -(-(sample + BEFORE) // HOP)


def analyse(sound: np.ndarray, bands: int = BANDS) -> np.ndarray:
    """Frames 0 .. K-1 of a sound, K = ceil(T / 16) + 4 so that `synthesise` gives all of it back.

    sound: float [..., T], silence before and after. Returns the same float type [..., bands, K] holding
    frames -4 .. : the first four reach back over the start. See `LEAD`.
    """
    frames = -(-sound.shape[-1] // HOP) + 2 * LEAD
    room = (frames - 1) * HOP + TAPS
    before = LEAD * HOP + BEFORE
    pad = [(0, 0)] * (sound.ndim - 1) + [(before, max(0, room - before - sound.shape[-1]))]
    padded = np.pad(sound, pad)
    windows = np.lib.stride_tricks.sliding_window_view(padded, TAPS, axis=-1)[..., ::HOP, :][..., :frames, :]
    return np.swapaxes(windows @ _rows(sound.dtype, bands).T, -1, -2)


LEAD = 4
"""Frames before sample 0 (and after the end) that still sound inside: `analyse` puts them in front."""


def analyse_span(sound: np.ndarray, bands: int = BANDS) -> np.ndarray:
    """Only the frames that lie wholly inside the sound: [T] -> [bands, (T - 128) // 16 + 1].

    Frame 0 of the answer reaches over sound[0:128]: it is the frame k whose 16 k - 56 is the first sample.
    """
    if len(sound) < TAPS:
        return np.zeros((bands, 0), sound.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(sound, TAPS)[::HOP]
    return np.ascontiguousarray((windows @ _rows(sound.dtype, bands).T).T)


def synthesise(frames: np.ndarray) -> np.ndarray:
    """Overlap-add of frames [..., bands, K]: [..., 16 (K - 1) + 128], starting BEFORE samples early.

    Sample 16 k of the tape is at index 16 (k - first) + BEFORE of the answer when `first` is the number of
    the first frame. The inverse of `analyse` is `synthesise(X)[..., LEAD * HOP + BEFORE:][..., :T]`.
    """
    bands, count = frames.shape[-2:]
    parts = np.swapaxes(frames, -1, -2) @ _rows(frames.dtype, bands)
    blocks = parts.reshape(*parts.shape[:-1], TAPS // HOP, HOP)
    out = np.zeros((*frames.shape[:-2], count + TAPS // HOP - 1, HOP), frames.dtype)
    for i in range(TAPS // HOP):
        out[..., i : i + count, :] += blocks[..., i, :]
    return out.reshape(*out.shape[:-2], -1)


def _rows(dtype: np.dtype, bands: int) -> np.ndarray:
    return (_KERNEL32 if dtype == np.float32 else KERNEL)[:bands]
