"""Which Python a model is bound to by the bytecode that it holds."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from packager.aws.runtimes import RUNTIMES
from packager.model.mlmodel import ModelSpec
from packager.model.pickle_bytecode import holds_bytecode


def bytecode_python(spec: ModelSpec) -> str | None:
    """Return the Python, as `3.11`, that alone can load the model; None: not only one can."""
    if spec.python_minor is None or not spec.info.executes_code:
        return None
    return spec.python_minor if any(map(holds_bytecode, object_files(spec))) else None


def object_files(spec: ModelSpec) -> Iterator[Path]:
    """Yield the files that may hold pickled objects: the model's, and the artifacts."""
    info = spec.info
    data_path = info.engine.data_path or info.data_path
    if (spec.folder / data_path).is_file():
        yield spec.folder / data_path
    if info.engine.data_path is None:
        folders = (data_path, *info.options.get("artifacts", {}).values())
        for file in info.files:
            path = PurePosixPath(file.path)
            if any(folder and path.is_relative_to(folder) for folder in folders):
                yield spec.folder / path


def needed_own_python(spec: ModelSpec) -> str | None:
    """Return the Python, as `3.8`, that alone can load the model and cannot run the handler."""
    python = bytecode_python(spec)
    is_lambdas = python in {runtime.python for runtime in RUNTIMES}
    return None if is_lambdas else python
