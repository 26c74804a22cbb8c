"""Fitted estimators of this process: saved in the format that MLflow would choose for them."""

import io
import pickle
import sys
from collections.abc import Callable, Collection
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from packager.errors import ModelError, PackagerError, ToolMissing, install_hint

_PICKLED = "model.pkl"
_Saved = tuple[str, tuple[str, ...]]
"""The file's name, and the types that skops has to trust."""


def save_estimator(
    estimator: Any, folder: Path, own_modules: Collection[str] = ()
) -> tuple[Path, str, tuple[str, ...]]:
    """Save a fitted estimator into a folder, as a bare model file.

    :param estimator: scikit-learn's, or of a class in its style; a Booster or an estimator of
        XGBoost, LightGBM or CatBoost.
    :param own_modules: names of modules that come along with the model.
    :returns: the file, its flavor, and which types in it skops may construct besides its defaults.
    :raises ModelError: it is of another kind, or cannot be saved.
    :raises ToolMissing: what saves it is not installed.
    """
    for library in _libraries_of(estimator):
        if library in _SAVERS:
            try:
                _check_fitted(estimator)
                name, types = _SAVERS[library](estimator, folder)
                if name == _PICKLED:
                    _write_requirements(folder, own_modules)
                return folder / name, library, types
            except PackagerError:
                raise
            # Not our code: anything may be raised.
            except Exception as error:
                raise ModelError(
                    f"this {type(estimator).__name__} cannot be saved: {error}",
                    hint="Is it fitted?",
                ) from error
    raise ModelError(
        f"a {type(estimator).__module__}.{type(estimator).__qualname__} is neither a path, a URI,"
        " nor an estimator of scikit-learn, XGBoost, LightGBM or CatBoost",
        hint="Save it with MLflow (mlflow.<flavor>.save_model), and give the folder.",
    )


def _check_fitted(estimator: Any) -> None:
    if not hasattr(estimator, "predict"):
        raise ModelError(f"a {type(estimator).__name__} has no method predict")
    sklearn = sys.modules.get("sklearn")
    if sklearn and isinstance(estimator, sklearn.base.BaseEstimator):
        sklearn.utils.validation.check_is_fitted(estimator)


def _libraries_of(estimator: Any) -> list[str]:
    # The nearest first: LightGBM's estimators are scikit-learn's too.
    return [base.__module__.partition(".")[0] for base in type(estimator).__mro__]


def _save_sklearn(estimator: Any, folder: Path) -> _Saved:
    # As MLflow: a format that executes nothing where it can hold the model.
    try:
        from skops.io import dump, get_untrusted_types
    except ImportError:
        pass
    else:
        path = folder / "model.skops"
        try:
            dump(estimator, path)
            types = get_untrusted_types(file=path)
            if all(name.startswith("sklearn.") for name in types):  # as trees
                return path.name, tuple(types)
        except Exception:
            pass
    return _pickle(estimator, folder)


def _pickle(estimator: Any, folder: Path) -> _Saved:
    try:
        import cloudpickle
    except ImportError as error:
        raise ToolMissing(
            "cloudpickle, which saves estimators,", install_hint("sklearn")
        ) from error
    # What a notebook defines goes along.
    data = cloudpickle.dumps(estimator, protocol=pickle.DEFAULT_PROTOCOL)
    (folder / _PICKLED).write_bytes(data)
    return _PICKLED, ()


class _Recorder(pickle.Unpickler):
    """Notes the top-level modules that a pickle names."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module.partition(".")[0])
        return super().find_class(module, name)


def _write_requirements(folder: Path, own_modules: Collection[str]) -> None:
    """Write what loads a pickle that was made in this process, in the versions that are here."""
    recorder = _Recorder((folder / _PICKLED).read_bytes())
    recorder.load()
    owners = metadata.packages_distributions()
    names = set()
    for module in recorder.modules - sys.stdlib_module_names - {"__main__", *own_modules}:
        if module not in owners:
            raise ModelError(
                f"the model needs the module {module}, which no installed package has",
                hint=f"Give its file or folder in code_paths=[...]; or"
                f" cloudpickle.register_pickle_by_value({module}) puts it into the model.",
            )
        names.add(owners[module][0])
    # Without what a build of one machine adds, as `+cpu`.
    lines = (f"{name}=={metadata.version(name).partition('+')[0]}\n" for name in sorted(names))
    (folder / "requirements.txt").write_text("".join(lines), encoding="utf-8")


def _save_lightgbm(model: Any, folder: Path) -> _Saved:
    if not hasattr(model, "booster_") and hasattr(model, "save_model"):
        return _save_as("model.txt", model, folder)
    # An estimator answers with labels, and its text file with numbers.
    return _pickle(model, folder)


def _save_as(name: str, model: Any, folder: Path) -> _Saved:
    model.save_model(str(folder / name))
    return name, ()


_SAVERS: dict[str, Callable[[Any, Path], _Saved]] = {
    "xgboost": partial(_save_as, "model.ubj"),
    "lightgbm": _save_lightgbm,
    "catboost": partial(_save_as, "model.cbm"),
    "sklearn": _save_sklearn,
}
"""By library, what writes a model into a folder."""
