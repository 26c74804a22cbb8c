"""The numpy steps of compiled models: what they import, and what makes which."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import handler.engines
from handler.engines.program import OPS

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


@pytest.mark.parametrize("name", MODULES)
def test_every_op_is_found_in_its_module(name: str) -> None:
    made = importlib.import_module(f"handler.engines.{name}").MAKERS
    assert set(made) == {op for op, module in OPS.items() if module == name}
