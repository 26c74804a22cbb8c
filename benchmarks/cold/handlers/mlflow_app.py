"""MLflow's own scoring app behind Mangum, with the model folder as a zip in S3."""

import os
import tempfile
import zipfile
from pathlib import Path

import boto3
import mlflow.pyfunc
from mangum import Mangum
from mlflow.pyfunc import scoring_server


def fetch() -> Path:
    folder = Path(tempfile.gettempdir())
    archive = folder / "model.zip"
    client = boto3.client("s3")
    client.download_file(os.environ["MODEL_BUCKET"], os.environ["MODEL_KEY"], str(archive))
    zipfile.ZipFile(archive).extractall(folder / "model")
    return folder / "model"


app = scoring_server.init(mlflow.pyfunc.load_model(str(fetch())))
handler = Mangum(app, lifespan="off")
