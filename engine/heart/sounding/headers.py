"""How long a safetensors file's header is and how many tensors it names, before a library builds all of them.

The format (github.com/huggingface/safetensors): eight bytes of length, a header of JSON, the numbers. A file
of 67 MB can name a million empty tensors, which take 16 s and 1.4 GB to list; no net of ours has more than 3,000.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

MOST_HEADER_BYTES = 4 << 20
MOST_TENSORS = 20_000


def check_header(path: Path) -> None:
    """Raises ValueError for a header longer than its file or than any real one; OSError for no file."""
    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        size = os.fstat(file.fileno()).st_size
        if not 2 <= length <= size - 8:
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        if length > MOST_HEADER_BYTES:
            raise ValueError(f"a header of {length >> 20} MB; no net needs more than 4")
        names = file.read(length).count(b'"dtype"')
    if names > MOST_TENSORS:
        raise ValueError(f"{names} tensors; no net has more than {MOST_TENSORS}")
