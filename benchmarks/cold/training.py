"""Train the benchmark's forest and save it as MLflow does and as blog posts do.

    python training.py FOLDER

Runs in the example's environment, so it imports nothing of ours. Writes FOLDER/skops (MLflow's
default format), FOLDER/cloudpickle (its default until 3.16), FOLDER/forest.joblib, and
FOLDER/rows.json: columns, and 1,000 rows.
"""

import json
import sys
from pathlib import Path

import joblib
import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

TREES = 100
ROWS = 1000
FORMATS = {
    # MLflow refuses forests unless told of this one type.
    "skops": {"skops_trusted_types": ["sklearn.tree._tree.Tree"]},
    "cloudpickle": {"serialization_format": "cloudpickle"},
}


def main() -> None:
    folder = Path(sys.argv[1])
    features, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    forest = RandomForestClassifier(TREES, random_state=42).fit(features, labels)
    for name, options in FORMATS.items():
        mlflow.sklearn.save_model(
            forest,
            folder / name,
            signature=infer_signature(features, forest.predict(features)),
            input_example=features.head(2),
            **options,
        )
    joblib.dump(forest, folder / "forest.joblib")
    random = np.random.default_rng(7)
    rows = features.to_numpy()[random.integers(len(features), size=ROWS)]
    rows = np.abs(rows * random.normal(1, 0.1, rows.shape)).round(6)
    data = {"columns": [*features.columns], "rows": rows.tolist()}
    (folder / "rows.json").write_text(json.dumps(data))


if __name__ == "__main__":
    main()
