"""Read an MLflow model folder: the `MLmodel` file and what it names.

Source of the format: MLflow 3.18, `models/model.py`, and `flavors/` for what each flavor
writes; files of 1.x (no `model_id`, `env` a string) are read too. Unknown keys are tolerated,
as MLflow does. Nothing is unpickled here.
"""

import json
import math
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from handler.manifest import FileEntry, ModelInfo
from packager.errors import MLmodelInvalid, MLmodelNotFound, ModelNotServable
from packager.model.environment import read_python_version, read_requirements
from packager.model.files import list_files, loaded_names, posix_name, resolve_inside
from packager.model.flavors.flavor import Flavor
from packager.model.flavors.sections import Sections
from packager.model.flavors.table import find_flavor, read_flavor
from packager.model.logged_versions import read_logged_day, read_logged_versions
from packager.model.whole import check_whole
from packager.support.malformed import YAML_ERRORS

MLMODEL_NAME = "MLmodel"
MAX_EXAMPLE_BYTES = 100_000
"""Larger input examples stay out of the manifest: every cold start would parse them."""

_Document = dict[str, Any]


@dataclass(frozen=True)
class ModelSpec:
    """An MLflow model folder, understood and checked."""

    folder: Path
    info: ModelInfo
    python_version: str | None
    """Of the training environment, as `3.11.7`; None: the model does not say."""
    requirements: tuple[str, ...]
    """Lines of `requirements.txt`, else of `conda.yaml`'s pip section, and what the latter wants
    of conda; without comments, and with the files that `-r` names."""
    constraints: tuple[str, ...] = ()
    """Lines of the files that `-c` names."""
    logged_versions: tuple[tuple[str, str], ...] = ()
    """Distributions and their versions, as the MLmodel file has them itself, else `conda.yaml`."""
    logged_day: str | None = None
    """UTC, as `2023-05-31`; None: the model does not say."""

    @property
    def python_minor(self) -> str | None:
        """Of the training environment, as `3.11`."""
        return self.python_version and ".".join(self.python_version.split(".")[:2])


def read_mlmodel(folder: Path) -> ModelSpec:
    """Read the model in this folder; every file that inference needs is hashed.

    :raises MLmodelNotFound: there is no MLmodel file.
    :raises ModelIncomplete: a file that it names is missing, or is not the data.
    :raises ModelNotServable: it was logged without anything that predicts.
    :raises MLmodelInvalid: lists everything that is wrong with it.
    """
    path = folder / MLMODEL_NAME
    document = read_document(path)
    issues: list[str] = []
    flavor, sections = _select_flavor(path, document, issues)
    info = read_flavor(flavor, sections)
    code = _text_or_none(sections.pyfunc, "code", issues)
    code_path = code and str(PurePosixPath(posix_name(folder, code)))
    info = replace(
        info,
        signature=_read_signature(document.get("signature"), issues),
        is_signature_from_type_hint=document.get("is_signature_from_type_hint") is True,
        input_example=_read_example(folder, document.get("saved_input_example_info"), issues),
        code_path=code_path,
        logged_executes_code=info.logged_executes_code or code_path is not None,
        model_id=_text_or_none(document, "model_id", issues),
        run_id=_text_or_none(document, "run_id", issues),
        mlflow_version=_text_or_none(document, "mlflow_version", issues),
    )
    files = _pin_files(folder, flavor, info, issues)
    recorded = read_requirements(folder, issues)
    spec = ModelSpec(
        folder=folder,
        info=replace(info, files=files, logged_sha256=_digest(files)),
        python_version=read_python_version(folder, sections.pyfunc, issues),
        requirements=recorded.lines,
        constraints=recorded.constraints,
        logged_versions=tuple(
            {**dict(recorded.versions), **read_logged_versions(document)}.items()
        ),
        logged_day=read_logged_day(document),
    )
    if issues:
        raise MLmodelInvalid(path, list(dict.fromkeys(issues)))
    return spec


def served_flavor(folder: Path) -> str:
    """Return the flavor by which the model in this folder answers; it may have others besides.

    :raises MLmodelNotFound: there is no MLmodel file.
    :raises MLmodelInvalid: it cannot be read.
    """
    path = folder / MLMODEL_NAME
    return read_flavor(*_select_flavor(path, read_document(path), [])).flavor


def read_document(path: Path) -> dict[str, Any]:
    """Return what an MLmodel file says.

    :raises MLmodelNotFound: there is no such file.
    :raises ModelIncomplete: something else is in its place.
    :raises MLmodelInvalid: it is not YAML, or not a mapping.
    """
    if not path.is_file():
        raise MLmodelNotFound(path.parent, hint=_nested_model_hint(path.parent))
    check_whole(path.parent, [MLMODEL_NAME])
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise MLmodelInvalid(path, ["it is not UTF-8 text"]) from error
    except YAML_ERRORS as error:
        reason = " ".join(str(error).split())
        raise MLmodelInvalid(path, [f"it is not YAML: {reason}"]) from error
    if not isinstance(document, dict):
        raise MLmodelInvalid(path, ["it is empty or not a mapping"])
    return document


def _pin_files(
    folder: Path, flavor: Flavor, info: ModelInfo, issues: list[str]
) -> tuple[FileEntry, ...]:
    """Return what inference needs, and nothing that differs from download to download.

    `registered_model_meta` and the examples stay out, so that equal models give equal bundles.
    """
    named = [MLMODEL_NAME, *filter(None, (info.data_path, info.code_path))]
    # First of all: of a file that is not there or is something else all sorts of things are wrong.
    check_whole(folder, named)
    if not issues:
        beside = flavor.files(folder, info, issues)
        check_whole(folder, beside)
        named += beside
    if info.code_path == ".":
        # Its modules lie beside the model: all that does counts, and each file once.
        named.remove(".")
        named += loaded_names(folder)
    roots = [resolve_inside(folder, name, issues) for name in named]
    for name in ("handler", "handler.py"):
        if info.code_path and (folder / info.code_path / name).exists():
            issues.append(f"{info.code_path}/{name} has the name of the function's own package")
    # A broken folder is not worth hashing: a model can be gigabytes.
    return () if issues else list_files(folder, [root for root in roots if root], issues)


def _digest(files: tuple[FileEntry, ...]) -> str:
    # An MLmodel made for a bare file tells how that was opened: its other files tell.
    pinned = [[entry.path, entry.sha256] for entry in files if entry.path != MLMODEL_NAME]
    return sha256(json.dumps(pinned).encode()).hexdigest()


def _select_flavor(path: Path, document: _Document, issues: list[str]) -> tuple[Flavor, Sections]:
    """Return the flavor behind `python_function`, and the sections of both."""
    flavors = document.get("flavors")
    if not isinstance(flavors, dict) or not all(isinstance(v, dict) for v in flavors.values()):
        raise MLmodelInvalid(path, ["'flavors' is missing or not a mapping of mappings"])
    pyfunc = flavors.get("python_function")
    if pyfunc is None:
        raise _not_servable(path.parent, flavors)
    loader = pyfunc.get("loader_module")
    # It becomes a flavor's name, and with that a part of the files that are written.
    if not isinstance(loader, str) or not all(part.isidentifier() for part in loader.split(".")):
        raise MLmodelInvalid(path, [f"loader_module is {loader!r}, not the name of a module"])
    flavor = find_flavor(loader)
    if flavor.needs_section and flavor.name not in flavors:
        raise MLmodelInvalid(path, [f"flavor {flavor.name!r} is missing, whose loader it names"])
    section = flavors.get(flavor.name) or {}
    return flavor, Sections(path.parent, document, pyfunc, section, issues)


def _not_servable(folder: Path, flavors: _Document) -> ModelNotServable:
    """Return what to say of a model without `python_function`, which MLflow serves no more."""
    if "sklearn" in flavors:
        # mlflow/sklearn/__init__.py, save_model: "Model was missing function: predict".
        return ModelNotServable(
            f"the model in {folder} has no method `predict`, as a transformer, so MLflow logged it"
            " without the flavor python_function: nothing can serve it",
            hint='Log it with another method, mlflow.sklearn.log_model(..., pyfunc_predict_fn="'
            'transform"), or log a Pipeline that ends in a model.',
        )
    names = ", ".join(map(str, flavors)) or "none"
    return ModelNotServable(
        f"the model in {folder} was logged without the flavor python_function (its flavors:"
        f" {names}), so MLflow could not serve it either",
        hint="Log it with a mlflow.<flavor>.log_model that adds it, or in a class of your own with"
        " mlflow.pyfunc.log_model.",
    )


def _read_signature(section: Any, issues: list[str]) -> dict[str, Any] | None:
    """Decode MLflow's JSON strings; absent parts become None."""
    if section is None:
        return None
    if not isinstance(section, dict):
        issues.append("'signature' is not a mapping")
        return None
    return {
        part: _decode_schema(part, section.get(part), issues)
        for part in ("inputs", "outputs", "params")
    }


def _decode_schema(part: str, text: Any, issues: list[str]) -> list[dict[str, Any]] | None:
    if text is None:
        return None
    try:
        items = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        items = None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        issues.append(f"signature.{part} is not a JSON list of objects")
        return None
    return items


def _read_example(folder: Path, section: Any, issues: list[str]) -> dict[str, Any] | None:
    """Return the example as a scoring request; None when there is none or it is large."""
    if not isinstance(section, dict):
        return None
    name = section.get("serving_input_path") or section.get("artifact_path")
    if not isinstance(name, str) or not (folder / name).is_file():
        # Inference does not need it: a folder stripped of its example still builds.
        return None
    path = resolve_inside(folder, name, issues)
    if path is None or path.stat().st_size > MAX_EXAMPLE_BYTES:
        return None
    try:
        document = _without_nan(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        issues.append(f"input example {name} is not JSON: {error}")
        return None
    if "serving_input_path" not in section:
        document = _as_scoring_request(document, section)
    return document if isinstance(document, dict) else None


def _as_scoring_request(example: Any, section: dict[str, Any]) -> dict[str, Any]:
    """Wrap `input_example.json` of MLflow < 2.14, which wrote no serving example."""
    if section.get("type") == "dataframe" and section.get("pandas_orient") == "split":
        return {"dataframe_split": example}
    return {"inputs": example}


def _without_nan(value: Any) -> Any:
    # NaN is not JSON: other readers of bundle.json would fail on it. MLflow's parser makes
    # the same missing value of null.
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return value


def _text_or_none(section: _Document, key: str, issues: list[str]) -> str | None:
    value = section.get(key)
    if value is None or isinstance(value, str):
        return value or None
    issues.append(f"{key} is {value!r}, not text")
    return None


def _nested_model_hint(folder: Path) -> str | None:
    """Name the model one level below: people give `artifacts/` instead of `artifacts/model`."""
    if not folder.is_dir():
        return None
    nested = sorted(path.parent for path in folder.glob(f"*/{MLMODEL_NAME}"))
    return f"Did you mean {nested[0]}?" if nested else None
