"""How a training tells how far it is: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class Telling:
    """Use as a context; call it with the name of a task, the share done 0..1 and a line of text."""

    def __init__(self) -> None:
        self.console = Console()
        words = (TextColumn("{task.description}"), TextColumn("{task.fields[text]}"))
        columns = (words[0], BarColumn(), TimeRemainingColumn(), words[1])
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Telling:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def __call__(self, name: str, share: float, text: str) -> None:
        if not self.console.is_terminal:
            print(f"{name} {share:4.0%} {text}", flush=True)
            return
        if name not in self.tasks:
            self.tasks[name] = self.bar.add_task(name, total=1.0, text="")
        self.bar.update(self.tasks[name], completed=share, text=text)
