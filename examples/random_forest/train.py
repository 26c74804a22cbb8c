"""Train a random forest and log it with MLflow, as the model registry's MyRandomForest.

Run in an environment of its own (requirements.txt): these are the user's libraries, chosen
for the Lambda runtime that will serve them, not Packager's.
"""

import os

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier


def main() -> None:
    """Train, log and register; prints the registered version."""
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"))
    rows, labels = make_classification(n_samples=100, n_features=4, random_state=42)
    features = pd.DataFrame(rows, columns=[f"feature_{number}" for number in range(4)])
    forest = RandomForestClassifier(random_state=42).fit(features, labels)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            forest,
            name="model",
            signature=infer_signature(features, forest.predict(features)),
            input_example=features.head(2),
            registered_model_name="MyRandomForest",
            # skops, MLflow's default since 3.18, loads without executing code; it wants
            # to be told of the one type that it does not know by itself.
            serialization_format="skops",
            skops_trusted_types=["sklearn.tree._tree.Tree"],
        )
    print(f"models:/MyRandomForest/{logged.registered_model_version}")


if __name__ == "__main__":
    main()
