"""Conversion of what is computed with numpy alone."""

from . import (
    steps_density,
    steps_encoding,
    steps_ensemble,
    steps_flow,
    steps_linear,
    steps_scaling,
)
from .convert import Convert

CONVERTERS: dict[str, Convert] = {
    **steps_linear.CONVERTERS,
    **steps_density.CONVERTERS,
    **steps_scaling.CONVERTERS,
    **steps_encoding.CONVERTERS,
    **steps_flow.CONVERTERS,
    **steps_ensemble.CONVERTERS,
}
"""By qualified class name: exactly these, for a subclass may compute anything."""
