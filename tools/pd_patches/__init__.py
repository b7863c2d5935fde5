"""The Pure Data patches of patches/pd, written from Python. `patches()` has each file's name and canvas."""

from __future__ import annotations

from pd_patches.canvas import Canvas


def patches() -> dict[str, Canvas]:
    """Every file of patches/pd, and the concert patch beside it, by its name without .pd."""
    from pd_patches import channel, client, concert, cues, helps, morph, objects, opening, panel, senses

    return {
        "inside/client": client.client(),
        "inside/channel~": channel.channel(),
        "inside/from": objects.from_engine(),
        "inside/to": objects.to_engine(),
        "heart.engine": objects.engine(),
        "heart.receive~": objects.receive(),
        "heart.send~": senses.send(),
        "heart.beat": senses.beat(),
        "heart.heard": senses.heard(),
        "heart.morph": morph.morph(),
        "heart.cues": cues.cues(),
        "heart.panel": panel.panel(),
        "heart": opening.opening(),
        "../concert/SoundsOfTheHeart": concert.concert(),
        "inside/knob": panel.knob(),
        "inside/choice": panel.choice(),
        **{f"{name}-help": helps.fitted(make) for name, make in helps.HELPS.items()},
    }
