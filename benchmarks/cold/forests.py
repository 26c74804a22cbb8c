"""Save a forest of a wanted size as MLflow does, without training all of it.

    python forests.py FOLDER TREES ROWS SERIALIZATION REQUIREMENTS

A few trees are trained on ROWS rows of noise (which makes deep ones); the others are copies
with other thresholds. Runs in the example's environment, so it imports nothing of ours. Writes
FOLDER/model, FOLDER/rows.json, and FOLDER/facts.json: what the trees' arrays have in bytes.
"""

import copy
import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import RandomForestClassifier
from training import FORMATS

COLUMNS = 30
TRAINED = 8
EXAMPLES = 1000


def main() -> None:
    folder, trees, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    random = np.random.default_rng(11)
    names = [f"column_{number}" for number in range(COLUMNS)]
    features = pd.DataFrame(random.normal(size=(rows, COLUMNS)).round(6), columns=names)
    forest = RandomForestClassifier(min(trees, TRAINED), random_state=3, max_features=3)
    forest.fit(features, random.integers(2, size=rows))
    grow(forest, trees, random)
    options = FORMATS[sys.argv[4]]
    mlflow.sklearn.save_model(
        forest,
        folder / "model",
        signature=infer_signature(features, forest.predict(features.head(5))),
        input_example=features.head(2),
        pip_requirements=Path(sys.argv[5]).read_text().split(),
        **options,
    )
    data = {"columns": names, "rows": features.head(EXAMPLES).to_numpy().tolist()}
    (folder / "rows.json").write_text(json.dumps(data))
    (folder / "facts.json").write_text(json.dumps({"array_bytes": array_bytes(forest)}))


def grow(forest: RandomForestClassifier, trees: int, random: np.random.Generator) -> None:
    """Fill the forest up with copies, each with thresholds of its own."""
    trained = list(forest.estimators_)
    for number in range(len(trained), trees):
        tree = copy.deepcopy(trained[number % len(trained)])
        thresholds = tree.tree_.threshold  # a view of the tree's own memory
        thresholds *= 1 + random.uniform(-1e-4, 1e-4, len(thresholds))
        forest.estimators_.append(tree)
    forest.n_estimators = trees


def array_bytes(forest: RandomForestClassifier) -> int:
    states = [tree.tree_.__getstate__() for tree in forest.estimators_]
    return sum(state["nodes"].nbytes + state["values"].nbytes for state in states)


if __name__ == "__main__":
    main()
