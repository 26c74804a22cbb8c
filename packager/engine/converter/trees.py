"""Conversion of tree ensembles: a table of classes, one module for each library."""

from .convert import Convert
from .trees_boosting import CONVERTERS as BOOSTING
from .trees_lightgbm import CONVERTERS as LIGHTGBM
from .trees_sklearn import CONVERTERS as SKLEARN
from .trees_xgboost import CONVERTERS as XGBOOST

CONVERTERS: dict[str, Convert] = {**SKLEARN, **BOOSTING, **XGBOOST, **LIGHTGBM}
"""By qualified class name."""
