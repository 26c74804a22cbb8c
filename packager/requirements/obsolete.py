"""Distributions that no Lambda function can use, or that have another name today: as data."""

from fnmatch import fnmatch

_HIDES = "the Python of every runtime has it, and this copy would hide that"
_WINDOWS = "it is for Windows alone"
_MACOS = "it is for macOS alone"

# Backports: each has the name of a module of the standard library, and comes before it.
_BACKPORTS = (
    *("argparse", "asyncio", "contextvars", "dataclasses", "enum34", "functools32", "futures"),
    *("importlib", "multiprocessing", "ordereddict", "pathlib", "selectors34", "statistics"),
    *("subprocess32", "typing", "unittest2", "uuid", "wsgiref"),
)
_OF_PIP = "Debian's pip lists it, and no index has it"
_OBSOLETE = {
    **dict.fromkeys(_BACKPORTS, _HIDES),
    "pkg-resources": _OF_PIP,
    **dict.fromkeys(
        ("pywin32", "pywin32-ctypes", "pypiwin32", "pywinpty", "winpty", "wincertstore"), _WINDOWS
    ),
    **dict.fromkeys(("win-inet-pton", "win-unicode-console", "winkerberos"), _WINDOWS),
    **dict.fromkeys(("menuinst", "comtypes", "windows-curses"), _WINDOWS),
    **dict.fromkeys(("appnope", "pyobjc*", "applaunchservices", "tensorflow-metal"), _MACOS),
}

RENAMED = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "cv2": "opencv-python",
    "pil": "pillow",
    "bs4": "beautifulsoup4",
}
"""Names under which PyPI has nothing, or an empty package that asks for the other."""


def why_obsolete(name: str) -> str | None:
    """Return why this distribution stays out, as a clause; None: it does not.

    :param name: canonical.
    """
    return next((reason for glob, reason in _OBSOLETE.items() if fnmatch(name, glob)), None)
