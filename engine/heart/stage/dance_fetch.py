"""`heart models fetch`: a published checkpoint from the web, proven, among the models."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from heart.cards import Model
from heart.errors import FileError, UsageError
from heart.plumbing.download import download
from heart.stage.dance_models import add_model, free_name, root
from heart.stage.dance_published import HOST, PUBLISHED


def fetch_model(name: str, url: str | None = None) -> Model:
    """Fetch a published checkpoint and add it. With a `url` of another host the checksum must be the same.

    Raises:
        UsageError: none is published by this name, or it is here already.
        FileError: it cannot be had; the message says what else can be done.
    """
    from heart.sounding.dance.checkpoint import MOST_BYTES

    if name not in PUBLISHED:
        raise UsageError(f"no checkpoint called {name!r} is known; there are {', '.join(PUBLISHED)}")
    free_name(name)
    of = PUBLISHED[name]
    with tempfile.TemporaryDirectory(dir=root()) as folder, bytes_bar() as told:
        path = Path(folder) / of.file
        try:
            download(url or HOST + of.file, path, of.sha256, MOST_BYTES, told)
        except FileError as error:
            raise FileError(
                f"{error}. Have it from somebody who kept {of.file} (--url, or heart models add FILE), or take the "
                f"folder harmonai/{name} from the Hugging Face hub: heart models add FOLDER --name {name}"
            ) from None
        return add_model(path, name)


@contextmanager
def bytes_bar() -> Iterator[Callable[[int, int | None], object]]:
    """A bar on a terminal for what comes from the web. Yields its setter: bytes there, and in all."""
    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda there, total: bar.update(task, completed=there, total=total)
