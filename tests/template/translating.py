"""AWS's own translator, in the SAM CLI's environment: it pins what ours cannot have.

Reads `[{"template": ..., "parameters": {...}}, ...]` on stdin and prints what CloudFormation
would make of each.
"""

import json
import sys
from typing import Any

REGION = "us-east-1"


def translate(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    session = boto3.Session(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)
    translated: dict[str, Any] = translator.translate(template, parameters)
    return translated


def main() -> None:
    jobs = json.load(sys.stdin)
    json.dump([translate(job["template"], job["parameters"]) for job in jobs], sys.stdout)


if __name__ == "__main__":
    main()
