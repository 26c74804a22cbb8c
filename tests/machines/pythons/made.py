"""Saves models with the Python and the libraries that run it; a program for old ones."""

import sys

import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.models.signature import infer_signature
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

folder, requirements = sys.argv[1], sys.argv[2:]


class WithSum(BaseEstimator, TransformerMixin):
    def fit(self, rows, labels=None):
        return self

    def transform(self, rows):
        return rows.assign(sum=rows.sum(axis=1))


class Texts(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        if "fail" in model_input.columns:
            raise ValueError("secret")
        return pd.DataFrame({"text": model_input.iloc[:, 0].astype(str), "row": model_input.index})


rows = pd.DataFrame(np.random.RandomState(0).rand(200, 3), columns=list("abc"))
labels = (rows.sum(axis=1) > 1.5).astype(int)
steps = [
    ("sum", WithSum()),
    ("twice", FunctionTransformer(lambda rows: rows.values * 2)),
    ("model", LogisticRegression()),
]
pipeline = Pipeline(steps).fit(rows, labels)
mlflow.sklearn.save_model(
    pipeline,
    folder + "/pipeline",
    signature=infer_signature(rows, pipeline.predict(rows)),
    input_example=rows.head(3),
    pip_requirements=requirements,
)
texts = pd.DataFrame({"t": ["x", "y"]})
mlflow.pyfunc.save_model(
    folder + "/texts",
    python_model=Texts(),
    signature=infer_signature(texts),
    input_example=texts,
    pip_requirements=requirements,
)
