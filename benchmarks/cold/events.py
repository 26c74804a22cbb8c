"""The requests: events of API Gateway's HTTP API, payload version 2.0."""

import json
from typing import Any

FORMATS = ("dataframe_split", "dataframe_records")


def scoring_event(form: str, columns: list[str], rows: list[list[float]]) -> dict[str, Any]:
    """Return a POST of these rows to /invocations.

    :param form: one of `FORMATS`.
    """
    payloads: dict[str, Any] = {
        "dataframe_split": {"columns": columns, "data": rows},
        "dataframe_records": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    http = {
        "method": "POST",
        "path": "/invocations",
        "protocol": "HTTP/1.1",
        "sourceIp": "192.0.2.1",
        "userAgent": "bench",
    }
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/invocations",
        "rawQueryString": "",
        "headers": {"host": "abc.example.com", "content-type": "application/json"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.example.com",
            "requestId": "id",
            "stage": "$default",
            "time": "21/Nov/2026:00:00:00 +0000",
            "timeEpoch": 1795219200000,
            "http": http,
        },
        "body": json.dumps({form: payloads[form]}),
        "isBase64Encoded": False,
    }
