"""The faked AWS with functions that are whole bundles."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from tests.deploy.aws import Aws, Published


class RunningAws(Aws):
    """One whose functions are whole bundles, each invocation a cold start of its version's zip."""

    url = ""
    """Where the functions find S3."""
    folder = Path()
    """For the code of their versions."""

    def _answer_of(self, known: Published, version: str, event: dict[str, Any]) -> dict[str, Any]:
        values = known.function["Environment"]["Variables"]
        variables = {
            name: value["Fn::Sub"] if isinstance(value, dict) else value
            for name, value in values.items()
            if value != {"Ref": "AWS::NoValue"}
        }
        kept = {k: v for k, v in os.environ.items() if k.startswith("AWS_")}
        task = self.folder / version
        if not task.exists():
            with zipfile.ZipFile(io.BytesIO(known.code[version])) as archive:
                archive.extractall(task)
        done = subprocess.run(
            [sys.executable, "-S", "-P", "-c", _INVOKE],
            cwd=task,
            env={
                **kept,
                **variables,
                "PYTHONPATH": str(task),
                "LD_LIBRARY_PATH": f"{task}/lib",
                "AWS_ENDPOINT_URL_S3": self.url,
            },
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer


_INVOKE = """
import json, sys
from handler.main import handler
class Context:
    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
print(json.dumps(handler(json.load(sys.stdin), Context())))
"""
