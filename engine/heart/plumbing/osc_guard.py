"""Is this datagram well-formed OSC, of a size worth reading? Asked before any parser sees a byte.

A general OSC parser can be frozen by one hostile datagram (a bundle element of size -4, an address of
thirty stars, a bundle dated in an hour, sixty thousand type tags). So every size, padding, count and
nesting is checked here first, in one pass, in time linear in the datagram. What comes out is safe to
parse: bundles are opened, and their time tags kept as numbers that nobody waits for here.

Format: OSC 1.0 (Wright, 2002). Types i f s b h d r m t T F N are passed on; others have no meaning here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from heart.errors import WireError

MAX_DATAGRAM = 8192
"""Bytes. The largest message in the table (1024 floats) has 5.2 kB; macOS sends at most 9216."""

MAX_ARGS = 1032
"""The largest block and the few numbers before it."""

MAX_ADDRESS = 255
MAX_DEPTH = 4
MAX_ELEMENTS = 128
"""Elements of a datagram's bundles, all depths together."""

_BUNDLE = b"#bundle\0"
_HEAD = 16
"""Bytes of a bundle before its first element: the word and the time tag."""

_ADDRESS = re.compile(rb"/[!-~]*")
_PATTERN = re.compile(rb"[#*,?\[\]{}]")
_SIZES = {**dict.fromkeys(b"ifrm", 4), **dict.fromkeys(b"hdt", 8), **dict.fromkeys(b"TFN", 0)}


class Slice(NamedTuple):
    """One checked message: its bytes, and where things are in them."""

    message: bytes
    address: str
    tags: str
    """Type letters, without the comma."""
    start: int
    """Where the arguments begin."""
    when: int = 1
    """Time tag of the bundle around it; 1: at once."""


def split(datagram: bytes) -> list[Slice]:
    """The messages in a datagram, in order, each checked.

    Raises:
        WireError: code `size`, `padding`, `address`, `pattern`, `tags`, `text` or `bundle`. One bad
            message spoils its datagram: nothing of it is done.
    """
    if len(datagram) > MAX_DATAGRAM:
        raise WireError("size", "", f"datagram of {len(datagram)} bytes, at most {MAX_DATAGRAM} are read")
    if not datagram.startswith(b"#"):
        return [_message(datagram)]
    return [_message(element)._replace(when=when) for element, when in _open_bundle(datagram)]


def _open_bundle(datagram: bytes) -> list[tuple[bytes, int]]:
    """The messages of a bundle and of the bundles in it, in the order they stand there, and for when each is."""
    messages: list[tuple[bytes, int]] = []
    count = 0
    waiting = [(datagram, 1, 1)]
    while waiting:
        element, depth, when = waiting.pop()
        if not element.startswith(b"#"):
            messages.append((element, when))
            continue
        if depth > MAX_DEPTH:
            raise WireError("bundle", "", f"bundles nested more than {MAX_DEPTH} deep")
        inner = _elements(element, MAX_ELEMENTS - count)
        count += len(inner)
        when = int.from_bytes(element[8:16], "big")
        waiting.extend((e, depth + 1, when) for e in reversed(inner))
    return messages


def _elements(bundle: bytes, room: int) -> list[bytes]:
    if not bundle.startswith(_BUNDLE) or len(bundle) < _HEAD:
        raise WireError("bundle", "", "a bundle must begin with #bundle and a time tag")
    found: list[bytes] = []
    at = _HEAD
    while at < len(bundle):
        size = int.from_bytes(bundle[at : at + 4], "big", signed=True)
        at += 4
        if size <= 0 or size % 4 or size > len(bundle) - at:
            raise WireError("bundle", "", f"bundle element of size {size} with {len(bundle) - at} bytes left")
        if len(found) == room:
            raise WireError("bundle", "", f"a datagram may hold at most {MAX_ELEMENTS} bundle elements")
        found.append(bundle[at : at + size])
        at += size
    return found


def _message(message: bytes) -> Slice:
    """One message, checked from its first to its last byte."""
    if len(message) % 4 or not message:
        raise WireError("size", "", f"message of {len(message)} bytes, must be a multiple of 4 above 0")
    address, at = _address(message)
    if at == len(message):  # old senders leave out an empty type tag string
        return Slice(message, address, "", at)
    raw, start = _text(message, at, address)
    if not raw.startswith(b","):
        raise WireError("tags", address, f"{address}: the type tags must begin with a comma")
    tags = raw[1:]
    if len(tags) > MAX_ARGS:
        raise WireError("tags", address, f"{address}: {len(tags)} arguments, at most {MAX_ARGS} are read")
    end = start + 4 * len(tags) if not tags.strip(b"if") else _walk(message, address, tags, start)
    if end != len(message):
        raise WireError(
            "size",
            address,
            f"{address}: {len(message) - start} bytes of arguments, the type tags need {end - start}",
        )
    return Slice(message, address, tags.decode("ascii"), start)


def _address(message: bytes) -> tuple[str, int]:
    raw, at = _text(message, 0, "")
    if len(raw) > MAX_ADDRESS or not _ADDRESS.fullmatch(raw):
        raise WireError(
            "address",
            "",
            f"not an address: {raw[:40]!r}; it begins with / and has up to "
            f"{MAX_ADDRESS} printable ASCII characters without spaces",
        )
    if _PATTERN.search(raw):
        raise WireError("pattern", "", f"address {raw[:40]!r}: patterns are not matched here, name one address")
    return raw.decode("ascii"), at


def _text(message: bytes, at: int, address: str) -> tuple[bytes, int]:
    """The bytes of a padded string at `at`, and where the next thing begins."""
    stop = message.find(b"\0", at)
    if stop < 0:
        raise WireError("padding", address, f"{address or 'message'}: a text without an end")
    after = (stop + 4) & ~3
    if message[stop:after].strip(b"\0"):
        raise WireError("padding", address, f"{address or 'message'}: a text must be padded with zeros")
    return message[at:stop], after


def _walk(message: bytes, address: str, tags: bytes, at: int) -> int:
    """Where the arguments end, if they are of other types than numbers."""
    for tag in tags:
        if tag == 0x73:  # s
            raw, at = _text(message, at, address)
            _readable(raw, address)
        elif tag == 0x62:  # b
            at = _blob(message, at, address)
        elif tag in _SIZES:
            at += _SIZES[tag]
        else:
            raise WireError(
                "tags", address, f"{address}: no use for arguments of type {chr(tag)!r}; send i, f or s"
            )
        if at > len(message):
            raise WireError("size", address, f"{address}: fewer bytes than the type tags need")
    return at


def _readable(raw: bytes, address: str) -> None:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise WireError("text", address, f"{address}: a text that is not UTF-8") from None


def _blob(message: bytes, at: int, address: str) -> int:
    size = int.from_bytes(message[at : at + 4], "big", signed=True)
    if not 0 <= size <= len(message) - at - 4:
        raise WireError("size", address, f"{address}: blob of size {size} does not fit its message")
    after = at + 4 + ((size + 3) & ~3)
    if message[at + 4 + size : after].strip(b"\0"):
        raise WireError("padding", address, f"{address}: a blob must be padded with zeros")
    return after
