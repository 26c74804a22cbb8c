"""All conversions by the classes that they are for."""

from . import (
    steps_density,
    steps_encoding,
    steps_ensemble,
    steps_flow,
    steps_linear,
    steps_scaling,
    trees_boosting,
    trees_lightgbm,
    trees_sklearn,
    trees_xgboost,
)
from .convert import Convert

CONVERTERS: dict[str, Convert] = {
    **steps_linear.CONVERTERS,
    **steps_density.CONVERTERS,
    **steps_scaling.CONVERTERS,
    **steps_encoding.CONVERTERS,
    **steps_flow.CONVERTERS,
    **steps_ensemble.CONVERTERS,
    **trees_sklearn.CONVERTERS,
    **trees_boosting.CONVERTERS,
    **trees_xgboost.CONVERTERS,
    **trees_lightgbm.CONVERTERS,
}
"""By qualified class name: exactly these, for a subclass may compute anything."""
