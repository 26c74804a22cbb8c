"""Loads spaCy pipelines that classify texts, as `mlflow.spacy` (MLflow 3.18) does."""

from pathlib import Path
from typing import Any

import spacy

from handler.errors import ModelRefusal
from handler.loaders.objects import warnings_in_the_log
from handler.manifest import ModelInfo


class SpacyPredictor:
    """A pipeline with a text categorizer."""

    def __init__(self, pipeline: "spacy.language.Language") -> None:
        self._pipeline = pipeline

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        """Return a DataFrame with a column `predictions`: each text's categories and scores.

        MLflow's wrapper ignores params.

        :param data: a DataFrame of one column, the texts.
        :raises ModelRefusal: it has more columns, or none.
        """
        # Imported here: spaCy itself does without.
        import pandas as pd

        if len(data.columns) != 1:
            raise ModelRefusal("Shape of input dataframe must be (n_rows, 1column)")
        texts = data.iloc[:, 0]
        return pd.DataFrame({"predictions": texts.apply(lambda text: self._pipeline(text).cats)})


def load(folder: Path, info: ModelInfo) -> SpacyPredictor:
    """Return the pipeline in the folder that the model names."""
    with warnings_in_the_log(info.data_path):
        return SpacyPredictor(spacy.load(folder / info.data_path))
