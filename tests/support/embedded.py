"""A client of the embedded S3."""

from typing import Any

import boto3

from packager.local.storage import embedded_environment


def embedded_client(endpoint_url: str) -> Any:
    """Return a client, whatever the user's AWS settings are."""
    settings = embedded_environment(endpoint_url)
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=settings["AWS_REGION"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )
