"""The least that a FastAPI handler with a model can do: imports, the model's bytes, a constant."""

import http.client
import os
from pathlib import Path
from urllib.parse import urlsplit

import numpy
from fastapi import FastAPI, Response
from mangum import Mangum


def fetch() -> bytes:
    if "MODEL_FILE" in os.environ:
        return Path(os.environ["MODEL_FILE"]).read_bytes()
    connection = http.client.HTTPConnection(urlsplit(os.environ["AWS_ENDPOINT_URL_S3"]).netloc)
    connection.request("GET", f"/{os.environ['MODEL_BUCKET']}/{os.environ['MODEL_KEY']}")
    return connection.getresponse().read()


model = numpy.frombuffer(fetch(), dtype=numpy.uint8)
app = FastAPI()


@app.post("/invocations")
async def invocations() -> Response:
    return Response('{"predictions": [0]}', media_type="application/json")


handler = Mangum(app, lifespan="off")
