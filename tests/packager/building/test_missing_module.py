"""A module that the model needs and nothing brings: what is said of it."""

import pickle
import sys
import types
from pathlib import Path

import pytest

from packager.building.config import BuildConfig
from packager.building.missing_module import missing_module
from packager.building.plan import plan_bundle
from packager.errors import ModelNotLoadable, ModuleMissing
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.requirements.select import Drop
from tests.packager.model.test_mlmodel import changed, write_model


def pickled(module: str, name: str) -> bytes:
    """Return an object in a pickle, of a class in a module that is not there any more."""
    made = type(name, (), {"__module__": module})
    instance = made()
    instance.state = 1
    before = sys.modules.get(module)
    sys.modules[module] = types.ModuleType(module)
    setattr(sys.modules[module], name, made)
    try:
        return pickle.dumps(instance)
    finally:
        if before is None:
            del sys.modules[module]
        else:
            sys.modules[module] = before


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A model that needs `mymod.Ratio`; the working folder is beside its folder's parent."""
    (tmp_path / "models").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    document = changed(sklearn={"serialization_format": "pickle"})
    folder = write_model(tmp_path / "models" / "model", document)
    (folder / "model.skops").write_bytes(pickled("mymod", "Ratio"))
    return read_mlmodel(folder)


def explained(spec: ModelSpec, *dropped: Drop, module: str = "mymod") -> ModuleMissing:
    raised = ModelNotLoadable("ModuleNotFoundError", module=module)
    error = missing_module(raised, spec, dropped, str(spec.folder))
    assert isinstance(error, ModuleMissing)
    return error


def test_who_needs_the_module_is_named_and_both_ways_where_nothing_is_near(spec: ModelSpec) -> None:
    error = explained(spec)

    assert "the module mymod, which neither its requirements nor its own code have" in str(error)
    assert "mymod.Ratio in model.skops" in str(error)
    assert error.to_dict()["needed_by"] == ("mymod.Ratio",)
    assert "--code-path PATH/mymod.py" in str(error.hint)
    assert "--with NAME==VERSION" in str(error.hint)


@pytest.mark.parametrize(
    ("place", "option"),
    [
        ("work/mymod.py", "./mymod.py"),
        ("work/mymod/__init__.py", "./mymod"),
        ("work/src/mymod.py", "./src/mymod.py"),
        ("models/mymod.py", "{}/models/mymod.py"),
        ("models/model/mymod.py", "{}/models/model/mymod.py"),
    ],
)
def test_what_has_its_name_near_the_model_or_here_is_the_way(
    spec: ModelSpec, tmp_path: Path, place: str, option: str
) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("")

    error = explained(spec)

    assert error.beside == (option.format(tmp_path),)
    assert error.hint == f"Build again with --code-path {option.format(tmp_path)}."


@pytest.mark.parametrize("line", ["mymod==1.0", "mymod>=1,<2", "MyMod[extra]; python_version>'3'"])
def test_what_was_left_out_is_to_be_kept(spec: ModelSpec, line: str) -> None:
    hint = explained(spec, Drop(line, "only plots need it")).hint

    assert hint == "It was left out (only plots need it): build again with --keep mymod."


def test_a_package_that_is_here_is_named_with_its_version(spec: ModelSpec) -> None:
    assert "--with PyYAML==" in str(explained(spec, module="yaml").hint)


def test_another_failure_stays_as_it_is(spec: ModelSpec) -> None:
    error = ModelNotLoadable("ValueError: no", trace=["  File 'a.py'"])

    assert missing_module(error, spec, (), None) is error


def test_a_class_of_the_program_that_saved_the_model_is_refused_before_all_work(
    spec: ModelSpec,
) -> None:
    (spec.folder / "model.skops").write_bytes(pickled("__main__", "Ratio"))

    with pytest.raises(
        ModuleMissing, match=r"model\.skops needs Ratio, defined in the program"
    ) as (raised):
        plan_bundle(spec.folder, BuildConfig())

    assert "--code-path mymodel.py" in str(raised.value.hint)
    assert "cloudpickle.dump(model, file)" in str(raised.value.hint)
