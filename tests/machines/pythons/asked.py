"""Asks a model as the MLflow of its age does: frames from the file named, answers printed."""

import json
import sys

import mlflow.pyfunc
import pandas as pd

model = mlflow.pyfunc.load_model(sys.argv[1])
for document in json.loads(sys.argv[2]):
    found = model.predict(pd.DataFrame(**document))
    if isinstance(found, pd.DataFrame):
        found = found.to_dict(orient="records")
    sys.stdout.write(json.dumps(found if isinstance(found, list) else found.tolist()) + "\n")
