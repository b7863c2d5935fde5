"""Write patches/pd: `PYTHONPATH=engine:tools python -m pd_patches [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

from pd_patches import patches

FOLDER = Path(__file__).parent.parent.parent / "patches" / "pd"


def main(folder: Path) -> None:
    """Write every patch into `folder`, and say which boxes cover each other."""
    for name, canvas in patches().items():
        path = folder / f"{name}.pd"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(canvas.text_of()) + "\n")
        for line in canvas.overlaps():
            print(f"{path.name}: {line}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
