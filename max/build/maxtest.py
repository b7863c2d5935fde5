"""tests/*.maxtest.maxpat for Cycling '74's max-test: what only Max itself can say."""

from __future__ import annotations

from max.build.sheet import Sheet


def build() -> dict[str, Sheet]:
    return {}
