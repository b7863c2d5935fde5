"""An ONNX graph of sound, opened for one thread: `open_graph`. onnxruntime is loaded with the first one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heart.errors import FileError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def open_graph(path: Path, frames: int) -> tuple[InferenceSession, dict[str, np.ndarray]]:
    """The graph at `path`, and what it makes of one silent window, float32 [1, frames], by name of the output.

    Raises FileError when onnxruntime refuses the file or cannot run it on such a window.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        found = session.run(names, {"audio": np.zeros((1, frames), np.float32)})
    except Exception as error:  # onnxruntime has a dozen exceptions of its own and no root for them
        text = str(error).strip().splitlines() or [repr(error)]
        raise FileError(f"{path}: cannot be run ({text[0]}); fetch it again") from None
    return session, dict(zip(names, found))
