"""The one table of OSC addresses: everything said on the wire is a `Row` here, and only here.

Dispatch, argument checks, `heart osc`, docs/osc.md, the OSCQuery JSON and the tests are computed from it.

    find(address)              -> Row or None                  exact match, no patterns
    check(address, args)       -> cleaned args, or WireError   60 and 60.0 are the same number
    norm_to_value(param, x)    -> value                        0..1 as DAW faders send it
    as_text() as_markdown() as_json()                          the table for people and programs

`python -m heart.namespace > docs/osc.md` writes the documentation anew.
"""

from heart.namespace.checks import UnknownAddress, check, find, norm_to_value, range_text, value_to_norm
from heart.namespace.pages import as_json, as_markdown, as_text, families
from heart.namespace.table import (
    BLOCKS,
    CHANNELS,
    DEFAULT_HTTP_PORT,
    DEFAULT_PORT,
    JUDGED,
    MAX_INT,
    MAX_TEXT,
    PARAMS,
    PROTOCOL,
    RING_FRAMES,
    ROWS,
    SEQ_MODULO,
    Arg,
    Param,
    Row,
    Value,
)

__all__ = [
    "BLOCKS",
    "CHANNELS",
    "DEFAULT_HTTP_PORT",
    "DEFAULT_PORT",
    "JUDGED",
    "MAX_INT",
    "MAX_TEXT",
    "PARAMS",
    "PROTOCOL",
    "RING_FRAMES",
    "ROWS",
    "SEQ_MODULO",
    "Arg",
    "Param",
    "Row",
    "UnknownAddress",
    "Value",
    "as_json",
    "as_markdown",
    "as_text",
    "check",
    "families",
    "find",
    "norm_to_value",
    "range_text",
    "value_to_norm",
]
