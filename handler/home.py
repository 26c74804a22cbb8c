"""Where libraries write what they keep in a user's home, which a function has not.

On Lambda /tmp alone can be written, and the user's home does not exist: what makes a folder in it,
or compiles into one, would fail. Standard library only, and called before anything else is
imported: libraries read these variables when they are.
"""

from collections.abc import MutableMapping

_DEFAULTS = {
    "HOME": "/tmp",
    "XDG_CACHE_HOME": "/tmp/.cache",
    "MPLCONFIGDIR": "/tmp/.cache/matplotlib",
    "NUMBA_CACHE_DIR": "/tmp/.cache/numba",
    "HF_HOME": "/tmp/.cache/huggingface",
    # Lambda has no /dev/shm and so no semaphores. joblib would find that out for itself, with a
    # warning at each cold start, and then do the same: all in one process.
    "JOBLIB_MULTIPROCESSING": "0",
}


def make_home(environ: MutableMapping[str, str]) -> None:
    """Set the variables that the deployment has not set; outside of Lambda none."""
    if "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" in environ:
        for name, value in _DEFAULTS.items():
            environ.setdefault(name, value)
