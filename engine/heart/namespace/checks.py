"""Is this message as the table wants it? Generous with numbers, exact about everything else."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from heart.errors import WireError
from heart.namespace.table import MAX_TEXT, ROWS, Arg, Param, Row

MOST_CHOICES = 24
"""More are not listed in an error."""
_HUGE = 3.5e38
"""Beyond any 32-bit float."""


class UnknownAddress(WireError):
    """An address that is not in the table.

    The nearest known address is looked up only when the text is read: the search takes about a
    millisecond, and of a flood of junk only the few errors that are really answered should pay it.
    """

    def __init__(self, address: str) -> None:
        super().__init__("unknown", address, address)

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.address[:64], ROWS, 1)
        hint = f"did you mean {near[0]}?" if near else "see `heart osc`"
        return f"{shown(self.address)}: unknown address; {hint}"


def find(address: str) -> Row | None:
    """The row of exactly this address, or None."""
    return ROWS.get(address)


def check(address: str, args: Sequence[Any], sender: str = "") -> tuple[Any, ...]:
    """The arguments as the table's types: int, float, str.

    Numbers may come as int or float where their value fits; True and False count as 1 and 0.
    Trailing floats (/heart/in, /heart/audio) come out as one float32 array [n], the last argument, and may
    come in as one. `sender` "client" or "engine" also refuses addresses that only the other side may send.

    Raises:
        WireError: code `unknown`, `direction`, `arity`, `type`, `range` or `choice`.
    """
    row = ROWS.get(address)
    if row is None:
        raise UnknownAddress(address)
    if sender and row.direction == ("out" if sender == "client" else "in"):
        raise WireError("direction", address, f"{address}: only the other side sends this")
    named = len(row.args)
    args = _opened(args, named)
    if len(args) < named or (len(args) > named and row.rest is None):
        raise WireError("arity", address, f"{address}: takes {_wanted(row)}, got {len(args)}")
    clean = tuple([_CASTS[a.type](address, a, v) for a, v in zip(row.args, args, strict=False)])
    return clean if row.rest is None else clean + _rest(row, row.rest, args[named:])


def _opened(args: Sequence[Any], named: int) -> Sequence[Any]:
    """A run of floats that begins among the `named` arguments, of a client that sends every number as float."""
    if not args or len(args) > named or not isinstance(args[-1], np.ndarray):
        return args
    run = args[-1]
    mine = named - len(args) + 1
    return [*args[:-1], *run[:mine].tolist(), *([run[mine:]] if len(run) > mine else [])]


def _rest(row: Row, arg: Arg, args: Sequence[Any]) -> tuple[Any, ...]:
    """What follows the named arguments: floats as one float32 array [n], anything else one by one."""
    array = len(args) == 1 and isinstance(args[0], np.ndarray)
    count = len(args[0]) if array else len(args)
    if count > row.most:
        raise WireError("arity", row.path, f"{row.path}: takes {_wanted(row)}, got {count} {arg.name}")
    if not array:
        args = [_CASTS[arg.type](row.path, arg, v) for v in args]
    if arg.type != "f":
        return tuple(args)
    block = np.asarray(args[0] if array else args, dtype=np.float32)
    if not np.isfinite(block).all():
        raise _refuse("range", row.path, arg, float(block[~np.isfinite(block)][0]))
    return (block,)


def norm_to_value(param: Param, position: float) -> float:
    """The value at `position` 0..1 of a fader; positions outside are clipped."""
    low, high = _ends(param)
    x = min(max(position, 0.0), 1.0)
    value = low * (high / low) ** x if param.scale == "log" else low + (high - low) * x
    return min(max(value, low), high)  # 30 * (1000 / 30) is a little more than 1000


def value_to_norm(param: Param, value: float) -> float:
    """The fader position 0..1 of `value`; values outside the range are clipped."""
    low, high = _ends(param)
    v = min(max(value, low), high)
    return math.log(v / low) / math.log(high / low) if param.scale == "log" else (v - low) / (high - low)


def _ends(param: Param) -> tuple[float, float]:
    if not param.continuous or param.low is None or param.high is None:
        raise WireError("type", f"/heart/norm/{param.name}", f"{param.name} has no 0..1 form")
    return float(param.low), float(param.high)


def shown(value: object) -> str:
    """A value as it may stand in an error: printable, short, in quotes if it is text."""
    text = (
        repr(value[:60])
        if isinstance(value, str | bytes)
        else f"{value:.12g}"
        if isinstance(value, float)
        else repr(value)
    )
    return text if len(text) <= 60 else text[:57] + "..."


def range_text(arg: Arg) -> str:
    """The values `arg` may have, in words: "30 to 220 bpm", "one of lead, follow", "any number"."""
    if arg.choices:
        return "one of " + ", ".join(str(c) for c in arg.choices)
    if arg.type == "s":
        return f"text of up to {MAX_TEXT} printable characters"
    kind = "whole number" if arg.type == "i" else "number"
    unit = f" {arg.unit}" if arg.unit else ""
    if arg.low is None and arg.high is None:
        return f"any {kind}" + (f" ({arg.unit})" if arg.unit else "")
    if arg.high is None:
        return f"{kind} from {arg.low:g}{unit}"
    return f"{kind} {_plain(arg.low)} to {_plain(arg.high)}{unit}"


def _plain(bound: float | None) -> str:
    return "" if bound is None else f"{bound:.12g}"


def _wanted(row: Row) -> str:
    names = [f"{a.name}:{a.type}" for a in row.args]
    if row.rest:
        names.append(f"then up to {row.most} {row.rest.name}:{row.rest.type}")
    count = len(row.args)
    return f"{count or 'no'} argument{'' if count == 1 else 's'}" + (f" ({' '.join(names)})" if names else "")


def _refuse(code: str, address: str, arg: Arg, value: object) -> WireError:
    return WireError(code, address, f"{address}: {arg.name} is {shown(value)}, must be {_words(arg, value)}")


def _words(arg: Arg, value: object) -> str:
    """The values `arg` may have; of very many those most like `value`."""
    if len(arg.choices or ()) <= MOST_CHOICES:
        return range_text(arg)
    every = [str(choice) for choice in arg.choices or ()]
    near = difflib.get_close_matches(str(value)[:64], every, 3) or every[:3]
    return f"one of {len(every)}, such as {', '.join(near)}; `heart osc` lists them"


def _real(address: str, arg: Arg, value: Any) -> float:
    if not isinstance(value, int | float):  # bool is an int: T and F arrive as 1 and 0
        raise _refuse("type", address, arg, value)
    if not -_HUGE < value < _HUGE:  # also false for NaN
        raise _refuse("range", address, arg, value)
    if arg.low is not None and value < arg.low:
        return _on_the_bound(address, arg, value, arg.low)
    if arg.high is not None and value > arg.high:
        return _on_the_bound(address, arg, value, arg.high)
    return value


def _on_the_bound(address: str, arg: Arg, value: float, bound: float) -> float:
    """OSC's floats have 32 bits: 0.33 arrives as 0.330000013, and is the bound all the same."""
    if np.float32(value) != np.float32(bound):
        raise _refuse("range", address, arg, value)
    return bound


def _as_float(address: str, arg: Arg, value: Any) -> float:
    return float(_real(address, arg, value))


def _as_int(address: str, arg: Arg, value: Any) -> int:
    number = _real(address, arg, value)
    if number != int(number):
        raise _refuse("type", address, arg, value)
    if arg.choices and int(number) not in arg.choices:
        raise _refuse("choice", address, arg, value)
    return int(number)


def _as_text(address: str, arg: Arg, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse("type", address, arg, value)
    if arg.choices and value not in arg.choices:
        raise _refuse("choice", address, arg, value)
    if len(value) > MAX_TEXT or not value.isprintable():
        raise _refuse("range", address, arg, value)
    return value


_CASTS = {"f": _as_float, "i": _as_int, "s": _as_text}
