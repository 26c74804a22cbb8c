"""Write a logged model's file anew, so that it loads in less time and memory."""

import pickle
import pickletools
from pathlib import Path
from typing import Any

from handler.manifest import ModelInfo

REWRITTEN = "model.pickle"
"""The new file, beside the logged one."""


def rewrite_model(model: Any, info: ModelInfo, folder: Path) -> bool:
    """Write the model as a pickle that remembers no more than it needs.

    To load a skops file takes five times as long. Of a pickle everything that `pickletools` finds
    never referred to again is forgotten while it is loaded: what was read need not stay in memory
    beside what was made of it, which halves time and peak for a large forest.

    :param folder: the model's.
    :returns: whether there is such a file now.
    """
    try:
        if info.serialization_format == "skops":
            pickled = pickle.dumps(model, 5)
        elif info.serialization_format in ("pickle", "cloudpickle"):
            pickled = (folder / info.data_path).read_bytes()
        else:
            return False
        rewritten = pickletools.optimize(pickled)
    except Exception:  # of many kinds: then the file stays what it is
        return False
    (folder / REWRITTEN).write_bytes(rewritten)
    return True
