import inspect
import json
import pickle

import pytest

import handler.errors
import packager.errors

ARGUMENTS = {
    "MLmodelInvalid": ("MLmodel", ["no flavors"]),
    "PathCollision": ("handler", "the handler", "a dependency"),
    "PythonMismatch": ("model.pkl", "3.11"),
    "UnsafeFormat": ("model.pkl is a pickle", "log it with skops"),
    "LockDrift": (["runtime: python3.11 is now python3.12"],),
    "CheckFailed": ([("numpy needs GLIBC_2.35", "Build for python3.12.")],),
    "SmokeTestFailed": ("3", "status 500"),
    "ToolMissing": ("uv", "pip install uv"),
    "ToolFailed": (["uv", "pip"], 2, "boom"),
}


def error_classes(module) -> list[type[Exception]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]


def make(error_class: type[Exception]) -> Exception:
    if error_class.__name__ == "WrongMachine":
        return error_class("arm64", "x86_64", hint="Build for this one.")
    if error_class.__name__ == "ModelIncomplete":
        return error_class("model", [("model.pkl", "is empty")], hint="Copy it again.")
    if error_class.__name__ == "ModuleMissing":
        return error_class("mine is missing", module="mine", hint="--code-path mine.py")
    if error_class.__name__ == "NoMatchingWheel":
        return error_class("numpy", "2.0", wanted="glibc 2.26", found=["any"], hint=None)
    return error_class(*ARGUMENTS.get(error_class.__name__, ("what happened",)))


@pytest.mark.parametrize("error_class", error_classes(packager.errors))
def test_every_builder_error_reads_as_a_sentence_and_is_one_family(error_class) -> None:
    error = make(error_class)

    assert isinstance(error, packager.errors.PackagerError)
    assert len(str(error)) > 5
    assert error.code.startswith("pkg.")
    assert error.exit_code in (1, 2, 3)
    told = json.loads(json.dumps(error.to_dict()))
    assert (told["code"], told["message"]) == (error.code, str(error))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (error_class, str(error), vars(error))


@pytest.mark.parametrize("error_class", error_classes(handler.errors))
def test_every_handler_error_has_mlflows_four_fields(error_class) -> None:
    body = json.loads(error_class("what happened").to_json())

    assert list(body) == ["error_code", "message", "sqlstate", "error_class"]
    assert "what happened" in body["message"]
    assert 400 <= error_class.status < 600
