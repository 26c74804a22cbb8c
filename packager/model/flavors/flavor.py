"""What a row of the table of flavors says."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from handler.manifest import ModelInfo
from packager.model.flavors.sections import Sections
from packager.model.needs import Needs


@dataclass(frozen=True)
class Format:
    """A way in which a flavor's models are saved."""

    name: str
    """As in `ModelInfo.serialization_format`."""
    executes_code: bool
    """Whether loading such a file runs code that it names or holds."""
    note: str = ""
    """What to do under `--safe-only`, or why the format is safe; for `docs/security.md`."""


@dataclass(frozen=True)
class Flavor:
    """All that `packager` knows of a flavor; `handler/loaders/<name>.py` loads its models."""

    name: str
    """MLflow's name; also the loader's, where `ModelInfo.options` names no other `loader`."""
    loader_module: str
    """What the section `python_function` of an MLmodel file names, as `mlflow.sklearn`."""
    formats: tuple[Format, ...]
    read: Callable[[Sections], ModelInfo]
    """Returns what the MLmodel file says of the model. Of `ModelInfo` it fills what the loader
    needs; what all flavors have in common is added to it."""
    needs: Callable[[ModelInfo, Collection[str]], Needs | None] = lambda info, recorded: None
    """What a model can need whose files hold data alone; the second argument has the canonical
    names of its requirements. None: that cannot be told, and all of them are kept."""
    not_needed: tuple[tuple[str, str], ...] = ()
    """Globs of requirements that MLflow infers and no prediction uses, each with the reason. They
    go where a model's files do not name them."""
    imports: tuple[str, ...] | None = None
    """Canonical names of the distributions that the loader imports, whose models need nothing
    else but what their own pickles and sources name; None: they may need anything."""
    files: Callable[[Path, ModelInfo, list[str]], list[str]] = lambda folder, info, issues: []
    """Returns the names of further files or folders of the model folder that the loader reads;
    adds what is wrong with them to the issues."""
    needs_mlflow: Callable[[ModelInfo], bool] = lambda info: False
    """Whether MLflow itself has to be in the bundle."""
    warnings: Callable[[ModelInfo], list[str]] = lambda info: []
    """Returns what whoever builds a bundle of this model should know, in sentences."""
    takes_loader: Callable[[str], bool] = lambda loader_module: False
    """Whether it takes the models of this loader too, which no row names."""
    needs_section: bool = True
    """Whether its models have a section of the flavor's own, besides `python_function`."""
    loader: str | None = None
    """Of a flavor that is not ours: the module that becomes `handler/loaders/<name>.py`."""

    def format_named(self, name: str) -> Format:
        """Return the format of this name; of one that is not listed nothing good is assumed."""
        found = (item for item in self.formats if item.name == name)
        return next(found, Format(name, executes_code=True, note="log it in another format"))
