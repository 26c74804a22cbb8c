"""MLflow with its imports deferred, all of it, beside MLflow as it is."""

from pathlib import Path

import pytest

from tests.machines.targets.test_deferral import differences, look, make_trees

pytestmark = [pytest.mark.targets, pytest.mark.xdist_group("deferral")]


@pytest.mark.parametrize("order", ["forward", "backward"])
def test_every_name_of_every_module_stands_for_what_it_did(
    tmp_path: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    plain, changed = make_trees(tmp_path, ("mlflow-skinny",))

    before = look(order, plain)
    after = look(order, changed, plain.with_name(f"plain.{order}.json"))

    assert len(before["names"]) > 1000
    assert not before["deferred"]
    assert sum(after["deferred"].values()) > 5000
    assert list(differences(before["names"], after["names"])) == []
