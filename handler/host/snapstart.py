"""What each copy of a snapshot must have of its own.

With SnapStart Lambda runs the init once, keeps the process as it is then, and begins any number of
environments with it. So before the snapshot nothing may be open, and after it each copy draws
random numbers of its own. Of clocks the handler keeps nothing over the init, and credentials are
asked for at each fetch, of which a snapshot needs none: it has its model.

AWS Lambda developer guide, "Handling uniqueness with Lambda SnapStart" and "Lambda SnapStart
runtime hooks".
"""

import gc
import logging
import random
import sys

_logger = logging.getLogger(__name__)


def register_hooks() -> None:
    """Let Lambda's runtime call us before the snapshot and after each restore."""
    try:
        # Lambda's runtime brings it, from python3.12 on; nothing else does.
        from snapshot_restore_py import (  # type: ignore[import-not-found]
            register_after_restore,
            register_before_snapshot,
        )
    except ImportError:
        _logger.warning("no SnapStart hooks: all copies of the snapshot draw equal random numbers")
        return
    register_before_snapshot(_drop_what_is_open)
    register_after_restore(_draw_anew)


def _drop_what_is_open() -> None:
    # boto3's clients are cycles: their connections and credentials stay until they are collected.
    gc.collect()


def _draw_anew() -> None:
    random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
