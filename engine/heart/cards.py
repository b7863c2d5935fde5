"""Model cards: what a model is, where its weights lie, and the checksum that proves them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heart.config import models_dir
from heart.errors import FileError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REQUIRED = ("name", "kind", "class", "sample_rate", "licence", "weights", "sha256")


@dataclass(frozen=True)
class Model:
    """A model folder: its card and the file of its weights."""

    name: str
    path: Path
    card: Mapping[str, Any]

    @property
    def weights(self) -> Path:
        """The weights, proven against the card's sha256; see `proven`."""
        return self.proven(str(self.card["weights"]), str(self.card["sha256"]))

    @property
    def few_steps(self) -> dict[int, str]:
        """Of a distilled voice: its numbers of steps, and the sha256 of the weights for each.

        Raises:
            FileError: the card's table does not say so.
        """
        table = self.card.get("few_steps", {})
        try:
            return {int(steps): str(checksum) for steps, checksum in table.items()}
        except (AttributeError, ValueError):
            raise FileError(f"{self.path / 'card.toml'}: [few_steps] must map steps to sha256") from None

    def few_step_weights(self, steps: int) -> Path:
        """The weights distilled to `steps` steps, one of `few_steps`; see `proven`."""
        return self.proven(f"{Path(str(self.card['weights'])).stem}-{steps}.safetensors", self.few_steps[steps])

    def proven(self, name: str, checksum: str) -> Path:
        """The file `name` of this model.

        Raises:
            FileError: the file is missing or its bytes are not those the checksum names.
        """
        weights = self.path / name
        if not weights.is_file():
            raise FileError(f"{weights}: missing; `heart models check` lists what should be there")
        if sha256(weights) != checksum:
            raise FileError(f"{weights}: damaged or changed (its sha256 is not the card's); fetch it again")
        return weights


def sha256(path: Path) -> str:
    """Checksum of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_model(folder: Path) -> Model:
    """The model in `folder`.

    Raises:
        FileError: no card there, or a card that cannot be read or lacks a required key.
    """
    card_file = folder / "card.toml"
    try:
        card = tomllib.loads(card_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileError(f"{card_file}: no such card") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FileError(f"{card_file}: cannot be read ({error})") from None
    missing = [key for key in REQUIRED if key not in card]
    if missing:
        raise FileError(f"{card_file}: lacks {', '.join(missing)}")
    if Path(str(card["weights"])).name != card["weights"]:
        raise FileError(f"{card_file}: weights must be a plain file name, not {card['weights']!r}")
    return Model(folder.name, folder, card)


def list_models() -> Iterator[Model]:
    """All models with a card, in order of their names."""
    root = models_dir()
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if (folder / "card.toml").is_file():
            yield read_model(folder)


def find_model(name: str) -> Model:
    """The model called `name` (a name, not a path).

    Raises:
        UsageError: there is no such model; the message lists what there is.
        FileError: its card is damaged.
    """
    folder = models_dir() / name
    if Path(name).name != name or not folder.is_dir():
        known = ", ".join(path.parent.name for path in sorted(models_dir().glob("*/card.toml"))) or "none"
        raise UsageError(f"no model called {name!r} in {models_dir()}; there: {known}")
    return read_model(folder)


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write card.toml: plain values first, then one table for every mapping (`figures`, `training`)."""
    plain = [f"{key} = {_toml(value)}" for key, value in card.items() if not isinstance(value, Mapping)]
    tables = [
        "\n".join([f"\n[{key}]", *(f"{k} = {_toml(v)}" for k, v in table.items())])
        for key, table in card.items()
        if isinstance(table, Mapping)
    ]
    (folder / "card.toml").write_text("\n".join(plain + tables) + "\n", encoding="utf-8")


def _toml(value: Any) -> str:
    # JSON's strings, numbers, booleans and flat lists are valid TOML.
    return json.dumps(value, ensure_ascii=False)
