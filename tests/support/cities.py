"""A pipeline over text, a number that may be missing, and a whole number."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

CITY_COLUMNS = (
    {"type": "string", "name": "city", "required": True},
    {"type": "double", "name": "income", "required": False},
    {"type": "long", "name": "visits", "required": True},
)
"""Of its signature, as MLflow writes them."""


def city_pipeline() -> Pipeline:
    """Return it trained."""
    frame = pd.DataFrame(
        {
            "city": ["oslo", "rome", "oslo", "rome"],
            "income": [1.0, 2.0, None, 4.0],
            "visits": [1, 2, 3, 4],
        }
    )
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        (SimpleImputer(), ["income", "visits"]),
    )
    return make_pipeline(columns, LogisticRegression()).fit(frame, ["low", "low", "hi", "hi"])
