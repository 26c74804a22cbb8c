"""The handler of the blog posts: FastAPI and Mangum around joblib's model out of S3."""

import io
import os
from typing import Any

import boto3
import joblib
import pandas as pd
from fastapi import FastAPI, Request
from mangum import Mangum

s3 = boto3.client("s3")
answer = s3.get_object(Bucket=os.environ["MODEL_BUCKET"], Key=os.environ["MODEL_KEY"])
model = joblib.load(io.BytesIO(answer["Body"].read()))
app = FastAPI()


@app.post("/invocations")
async def invocations(request: Request) -> dict[str, Any]:
    body = await request.json()
    if "dataframe_split" in body:
        split = body["dataframe_split"]
        frame = pd.DataFrame(split["data"], columns=split["columns"])
    else:
        frame = pd.DataFrame(body["dataframe_records"])
    return {"predictions": model.predict(frame).tolist()}


handler = Mangum(app, lifespan="off")
