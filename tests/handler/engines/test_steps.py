"""The numpy steps of compiled models: what they import, and what makes which."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import handler.engines
from handler.engines.program import OPS, Compute, Step

MODULES = sorted(path.stem for path in Path(handler.engines.__file__).parent.glob("steps_*.py"))


def test_the_steps_import_no_library_but_numpy() -> None:
    imports = "; ".join(f"import handler.engines.{module}" for module in MODULES)
    shown = "print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys; {imports}; {shown}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "'numpy'" in loaded
    for library in ("sklearn", "scipy", "pandas", "joblib", "xgboost", "lightgbm"):
        assert f"'{library}'" not in loaded


@pytest.mark.parametrize("name", [*MODULES, "checks", "foreign", "links", "singles", "trees"])
def test_every_op_is_made_by_the_function_of_its_name(name: str) -> None:
    module = importlib.import_module(f"handler.engines.{name}")
    made = {
        function.removeprefix("_")
        for function, value in vars(module).items()
        if list(getattr(value, "__annotations__", {}).values()) == [Step, Compute]
    }
    assert made == {op for op, owner in OPS.items() if owner == name}
