"""Score one request from stdin; run by path, in the model's environment, in its skeleton.

`python -P one_request.py CONTENT_TYPE`: prints the response's body, or with status 2
the error's message. Whatever else the model's code prints goes to stderr.
"""

import logging
import os
import sys
from pathlib import Path


class _NoTraceback(logging.Formatter):
    """What the handler logs, warnings above all, for a person who wants to know what to do."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        """Return nothing: the error's message says it."""
        return ""


def main(content_type: str) -> int:
    """Return the exit status."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    log = logging.StreamHandler()
    log.setFormatter(_NoTraceback())
    logging.getLogger("handler").addHandler(log)
    # Started with -P, so that our neighbours in this folder hide no module of the model's.
    task_root = Path.cwd()
    sys.path.insert(0, str(task_root))
    # From the skeleton, which is on the path only now.
    from handler.config import HandlerConfig
    from handler.errors import HandlerError
    from handler.fetch.fetch import fetch_model
    from handler.loaders.load import load_model
    from handler.manifest import read_manifest
    from handler.requests.scorer import Scorer

    with answer:
        try:
            manifest = read_manifest(task_root)
            folder = fetch_model(manifest, HandlerConfig.from_env(os.environ, task_root))
            scorer = Scorer(load_model(folder, manifest.model), manifest.model)
            answer.write(scorer.score(sys.stdin.buffer.read(), content_type).body)
        except HandlerError as error:
            answer.write(error.message.encode())
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
