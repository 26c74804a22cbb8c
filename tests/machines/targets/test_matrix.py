"""Each kind of model for each target: a bundle that passes its checks, or a clear refusal."""

import json
from pathlib import Path

import pytest

from benchmarks.kinds import KINDS, save_model
from packager.aws.runtimes import ARCHITECTURES, RUNTIMES
from packager.building.config import BuildConfig
from packager.building.plan import plan_bundle
from packager.engine.choose import Optimization
from packager.errors import NoMatchingWheel
from tests.conftest import only_one_worker
from tests.support.commands import packager

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's and scikit-learn's own

TARGETS = [(runtime.name, architecture) for runtime in RUNTIMES for architecture in ARCHITECTURES]
matrix = pytest.mark.parametrize(
    ("kind", "runtime", "architecture"), [(kind, *target) for kind in KINDS for target in TARGETS]
)


# What the newest versions that the target loads are known to fail of.
REFUSED = {("onnx", "python3.11", "arm64"): "ends the process on Lambda's arm64"}


def model_of(kind: str, folder: Path, *, is_pinned: bool) -> Path:
    """Return the model of this kind, saved by the first who asks."""
    model = folder / f"{kind.replace(' ', '')}-{'pinned' if is_pinned else 'open'}"
    with only_one_worker(folder):
        return model if model.exists() else save_model(kind, model, is_pinned=is_pinned)


@pytest.mark.targets
@matrix
def test_a_model_that_pins_nothing_builds_or_is_refused_with_the_reason(
    kind: str, runtime: str, architecture: str, shared_folder: Path, tmp_path: Path
) -> None:
    model = model_of(kind, shared_folder, is_pinned=False)

    done = packager(
        *("build", model, "-o", tmp_path / "dist", "--json", "--optimize", "none"),
        *("--runtime", runtime, "--architecture", architecture),
        timeout_s=600,
    )

    reason = REFUSED.get((kind, runtime, architecture))
    if reason:
        assert done.returncode == 1
        assert reason in done.stderr
        return
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["check"]["is_ok"]
    statuses = {check["name"]: check["status"] for check in report["check"]["checks"]}
    assert "failed" not in statuses.values()
    assert list(statuses.values()).count("passed") >= 10


@matrix
def test_a_model_that_pins_new_versions_is_refused_by_the_old_glibc_alone(
    kind: str, runtime: str, architecture: str, shared_folder: Path
) -> None:
    model = model_of(kind, shared_folder, is_pinned=True)
    config = BuildConfig(
        runtime=runtime, architecture=architecture, optimization=Optimization("none")
    )

    if runtime != "python3.11":
        assert plan_bundle(model, config).target.runtime.name == runtime
        return
    with pytest.raises(NoMatchingWheel) as raised:
        plan_bundle(model, config)

    assert "glibc 2.26" in str(raised.value)
    assert any("manylinux_2_2" in tag for tag in raised.value.found)
    assert "--runtime python3.12" in str(raised.value.hint)
