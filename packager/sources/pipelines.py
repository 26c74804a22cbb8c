"""Bare folders of spaCy: what `nlp.to_disk` writes."""

import json
from pathlib import Path

from packager.errors import ModelError
from packager.sources.bareformat import BareFormat, Found

_META, _CONFIG = "meta.json", "config.cfg"
_CATEGORIZERS = ("textcat", "textcat_multilabel")


def _is_spacy(path: Path) -> bool:
    return (path / _META).is_file() and (path / _CONFIG).is_file()


def _read_spacy(path: Path) -> Found:
    try:
        described = json.loads((path / _META).read_bytes())
        version = described.get("spacy_version")
        names = [str(name) for name in described.get("pipeline") or ()]
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelError(f"{path / _META} is damaged: {error}") from error
    config = (path / _CONFIG).read_text(encoding="utf-8", errors="replace")
    if not any(f'factory = "{name}"' in config for name in _CATEGORIZERS):
        raise ModelError(
            f"{path} is a pipeline without a text categorizer ({', '.join(names) or 'empty'}):"
            " MLflow serves the categories that one gives, and nothing else of spaCy",
            hint="Wrap it into an mlflow.pyfunc.PythonModel and log that.",
        )
    is_known = isinstance(version, str) and version
    return Found.plain("model.spacy", version=version if is_known else None)


FORMATS = (BareFormat("spacy", ("",), _read_spacy, _is_spacy),)
