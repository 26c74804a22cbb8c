"""Bare model files: write the MLflow model folder that they lack, without loading them."""

import json
import platform
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from packager.errors import ConfigError, ModelError
from packager.mlmodel import MLMODEL_NAME
from packager.progress import Progress
from packager.sources.examples import InputExample, read_input_example
from packager.sources.pickles import BareFile, check_trusted_types, sniff_bare_file

BARE_SUFFIXES = (".pkl", ".pickle", ".joblib", ".skops")
BARE_FLAVORS = ("sklearn",)

# What reads the format besides scikit-learn, which brings joblib along.
_FORMAT_REQUIREMENTS = {"skops": ("skops",), "cloudpickle": ("cloudpickle",)}


def write_bare_model(
    file: Path,
    folder: Path,
    *,
    flavor: str,
    input_example: Path | None,
    trusted_types: Sequence[str],
    progress: Progress,
) -> None:
    """Write an MLflow model folder around a bare file.

    The file is never loaded here: a pickle is a program. Equal inputs give equal folders.

    :param flavor: the library that wrote the file.
    :param input_example: csv or json; without it the model gets no signature.
    :param trusted_types: what skops may construct besides its own defaults.
    :raises ModelError: the file is not what its name says, or its origin is unclear.
    :raises ConfigError: an unknown flavor or an unusable example.
    """
    if flavor not in BARE_FLAVORS:
        raise ConfigError(
            f"a bare file of flavor {flavor!r} cannot be read",
            hint=f"Supported: {', '.join(BARE_FLAVORS)}.",
        )
    found = sniff_bare_file(file)
    if found.serialization_format == "skops":
        check_trusted_types(file, trusted_types)
    elif trusted_types:
        raise ConfigError(f"--trust is for .skops files; {file} is a {found.serialization_format}")
    example = read_input_example(input_example) if input_example else None
    data_name = f"model{'.pkl' if 'pickle' in found.serialization_format else file.suffix}"
    shutil.copyfile(file, folder / data_name)
    _write_environment(file, found, folder, progress)
    if example:
        _write_json(folder / "input_example.json", example.example)
        _write_json(folder / "serving_input_example.json", example.serving)
    document = _mlmodel(data_name, found, trusted_types, example)
    (folder / MLMODEL_NAME).write_text(yaml.safe_dump(document), encoding="utf-8")


def _mlmodel(
    data_name: str, found: BareFile, trusted_types: Sequence[str], example: InputExample | None
) -> dict[str, Any]:
    """Return the document as MLflow 3.18 writes it, less the run that never was."""
    document: dict[str, Any] = {
        "flavors": {
            "python_function": {
                "env": {"virtualenv": "python_env.yaml"},
                "loader_module": "mlflow.sklearn",
                "model_path": data_name,
                "predict_fn": "predict",
                "python_version": platform.python_version(),
            },
            "sklearn": {
                "code": None,
                "pickled_model": data_name,
                "serialization_format": found.serialization_format,
                "sklearn_version": found.sklearn_version,
                "skops_trusted_types": list(trusted_types) or None,
            },
        },
    }
    if example:
        document["saved_input_example_info"] = example.info
        document["signature"] = {
            "inputs": json.dumps(example.inputs),
            "outputs": None,
            "params": None,
        }
    return document


def _write_environment(file: Path, found: BareFile, folder: Path, progress: Progress) -> None:
    beside = file.parent / "requirements.txt"
    if beside.is_file():
        progress.detail(f"Requirements: {beside}")
        shutil.copyfile(beside, folder / "requirements.txt")
    else:
        version = found.sklearn_version or _installed_sklearn(file)
        source = "recorded in the file" if found.sklearn_version else "the one installed here"
        progress.detail(f"Requirements: scikit-learn {version}, {source}")
        extra = _FORMAT_REQUIREMENTS.get(found.serialization_format, ())
        lines = [f"scikit-learn=={version}", *extra]
        (folder / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    progress.detail(f"Python: {platform.python_version()}, the one that runs packager")
    environment = {
        "python": platform.python_version(),
        "dependencies": ["-r requirements.txt"],
    }
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment), encoding="utf-8")


def _installed_sklearn(file: Path) -> str:
    try:
        return metadata.version("scikit-learn")
    except metadata.PackageNotFoundError as error:
        raise ModelError(
            f"{file} does not record the scikit-learn version that wrote it",
            hint=f"Write its requirements into {file.parent / 'requirements.txt'}.",
        ) from error


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")
