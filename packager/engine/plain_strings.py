"""Give a model's pickle strings that pandas reads without pyarrow, which takes 115 MB of a bundle.

pandas 3 stores text with pyarrow wherever that is installed, as it is where a model is trained
beside the whole of MLflow. Everything that follows sees the model that is made here; the check
compares its predictions with the logged one's.
"""

import shutil
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path

from packager.engine.converting import run_converter, take_made
from packager.errors import DependencyError, ModelError, ToolError
from packager.local.prepared import ModelSurroundings, prepared_model
from packager.model.mlmodel import ModelSpec
from packager.model.named_modules import PICKLES, read_named_modules
from packager.progress import LOGGED, Progress
from packager.support.cache import build_once, cache_key, cache_root
from packager.support.digests import file_entry
from packager.version import __version__

NOTE = (
    "the text in {file} was stored by pyarrow, and is stored by Python here: 115 MB less. In"
    " training, pandas.options.mode.string_storage = 'python' has the same effect"
)
_FLAVORS = ("sklearn", "lightgbm", "statsmodels", "pmdarima")
"""Whose loaders read a pickled object and nothing else."""
_STORAGE = "pyarrow"


def with_plain_strings(
    spec: ModelSpec, surroundings: ModelSurroundings, *, progress: Progress = LOGGED
) -> tuple[ModelSpec, str | None]:
    """Return the model without pyarrow's strings, and a note; itself where it has none.

    Where they cannot be converted the model stays what it is, and pyarrow is needed.
    """
    info = spec.info
    if info.flavor not in _FLAVORS or info.serialization_format not in PICKLES:
        return spec, None
    if _STORAGE not in read_named_modules(spec).modules:
        return spec, None
    around = replace(surroundings, has_our_variables=False)
    folder = cache_root() / "plain_strings" / _key(spec, around)

    def build(partial: Path) -> None:
        _convert(spec, around, partial, progress)

    try:
        build_once(folder, build, is_usable=lambda path: path.is_dir(), progress=progress)
    except (ModelError, DependencyError, ToolError) as error:
        progress.detail(f"the text in {info.data_path} stays pyarrow's: {error}")
        return spec, None
    files = tuple(file_entry(folder / entry.path, entry.path) for entry in info.files)
    plain = replace(spec, folder=folder, info=replace(info, files=files))
    if _STORAGE in read_named_modules(plain).modules:
        progress.detail(f"{info.data_path} has more of pyarrow than text")
        return spec, None
    return plain, NOTE.format(file=info.data_path)


def _convert(
    spec: ModelSpec, surroundings: ModelSurroundings, partial: Path, progress: Progress
) -> None:
    # The model's code runs here: it sees of our variables what it would see on Lambda.
    with prepared_model(spec.folder, "uv", surroundings=surroundings, progress=progress) as model:
        progress.step(f"Storing the text in {spec.info.data_path} without pyarrow")
        run_converter(model, "converter.plain_strings")
        shutil.copytree(spec.folder, partial, dirs_exist_ok=True)
        take_made(model, spec.info.data_path, partial)


def _key(spec: ModelSpec, surroundings: ModelSurroundings) -> str:
    facts = [asdict(spec.info), spec.python_version, spec.requirements]
    around = [asdict(surroundings.overrides), surroundings.constraints, surroundings.indexes.args]
    sources = map(resources.files, ("packager.engine.converter", "handler"))
    return cache_key([__version__, facts, around], sources=sources)
