"""The checkpoints that Dance Diffusion's authors gave away: what is known of each, and where they lay."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A checkpoint that its authors gave away."""

    file: str
    rate_hz: int
    samples: int
    sha256: str
    """Of the file, as its authors' notebook states it."""


HOST = "https://model-server.zqevans2.workers.dev/"
"""Where the notebook fetches them. Users report it gone at times."""
PUBLISHED = {
    "glitch-440k": Published(
        "gwf-440k.ckpt", 48_000, 65_536, "48caefdcbb7b15e1a0b3d08587446936302535de74b0e05e0d61beba865ba00a"
    ),
    "jmann-small-190k": Published(
        "jmann-small-190k.ckpt", 48_000, 65_536, "1e2a23a54e960b80227303d0495247a744fa1296652148da18a4da17c3784e9b"
    ),
    "jmann-large-580k": Published(
        "jmann-large-580k.ckpt", 48_000, 131_072, "6b32b5ff1c666c4719da96a12fd15188fa875d6f79f8dd8e07b4d54676afa096"
    ),
    "maestro-150k": Published(
        "maestro-uncond-150k.ckpt",
        16_000,
        65_536,
        "49d9abcae642e47c2082cec0b2dce95a45dc6e961805b6500204e27122d09485",
    ),
    "unlocked-250k": Published(
        "unlocked-uncond-250k.ckpt",
        16_000,
        65_536,
        "af337c8416732216eeb52db31dcc0d49a8d48e2b3ecaa524cb854c36b5a3503a",
    ),
    "honk-140k": Published(
        "honk-140k.ckpt", 16_000, 65_536, "a66847844659d287f55b7adbe090224d55aeafdd4c2b3e1e1c6a02992cb6e792"
    ),
}
