"""What a model folder says of the packages that it was made with."""

from pathlib import Path

import pytest

from packager.model.environment import read_python_version, read_requirements
from packager.model.logged_versions import read_logged_day, read_logged_versions

CONDA = """\
channels: [defaults]
dependencies:
- python=3.9.7
- scikit-learn=1.0.2
- cloudpickle
- numpy=1.19.2=py39h6c91a56_3
- pytorch=1.9
- conda-forge::pandas>=1.2,<2
- ruamel_yaml
- mkl=2023.1.0=h213fc3f_46344
- libgcc-ng
- zstandard=0.15=h1234_0
- pip<=24
- pip:
  - mlflow==1.30.0
  - scipy==1.7.3
"""
CONDAS = (
    "scikit-learn==1.0.2",
    "cloudpickle",
    "numpy==1.19.2",
    "torch==1.9.*",
    "pandas>=1.2,<2",
    "ruamel.yaml",
)


def test_what_conda_brings_comes_by_its_name_on_the_index(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(CONDA)
    issues: list[str] = []

    found = read_requirements(tmp_path, issues)

    assert found.lines == ("mlflow==1.30.0", "scipy==1.7.3", *CONDAS)
    assert dict(found.versions)["numpy"] == "1.19.2"
    assert issues == []


def test_what_the_requirements_lack_conda_yaml_adds(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(CONDA)
    (tmp_path / "requirements.txt").write_text("NumPy==1.20\ncloudpickle @ file:///croot/x\n")

    lines = read_requirements(tmp_path, []).lines

    assert lines[:2] == ("NumPy==1.20", "cloudpickle @ file:///croot/x")
    assert "scikit-learn==1.0.2" in lines
    assert not any(line.startswith(("numpy", "scipy")) for line in lines)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_requirements_are_read_in_the_encodings_that_shells_write(
    tmp_path: Path, encoding: str
) -> None:
    text = "scikit-learn==1.7.2  # ours\r\n\r\nnumpy==2.2.6 \\\r\n  --hash=sha256:00\r\n"
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (tmp_path / "requirements.txt").write_bytes((mark + text).encode(encoding))

    lines = read_requirements(tmp_path, []).lines

    assert [" ".join(line.split()) for line in lines] == [
        "scikit-learn==1.7.2",
        "numpy==2.2.6 --hash=sha256:00",
    ]


def test_files_that_a_file_names_are_read_inside_the_model_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "more").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("secret==1.0\n")
    (folder / "requirements.txt").write_text(
        "-r more/base.txt\n-c limits.txt\n--requirement=../outside.txt\nzipp==3\n"
    )
    (folder / "more" / "base.txt").write_text("-r base.txt\n-c ../limits.txt\ntoolz==1.0\n")
    (folder / "limits.txt").write_text("numpy<2.3\n")

    found = read_requirements(folder, [])

    assert "secret==1.0" not in found.lines
    assert {"toolz==1.0", "zipp==3", "--requirement=../outside.txt"} <= set(found.lines)
    assert found.constraints == ("numpy<2.3",)


def test_the_mlmodel_file_tells_versions_and_the_day() -> None:
    document = {
        "flavors": {
            "python_function": {"python_version": "3.9.7", "cloudpickle_version": "2.0.0"},
            "sklearn": {"sklearn_version": "1.0.2", "code": None},
            "xgboost": {"xgb_version": "1.5.1"},
            "pytorch": {"pytorch_version": "2.1.0+cu118"},
            "odd": {"lgb_version": "newest"},
        },
        "mlflow_version": "1.26.1",
        "utc_time_created": "2022-05-09 20:03:27.000000",
    }

    assert read_logged_versions(document) == {
        "cloudpickle": "2.0.0",
        "mlflow": "1.26.1",
        "scikit-learn": "1.0.2",
        "torch": "2.1.0",
        "xgboost": "1.5.1",
    }
    assert read_logged_day(document) == "2022-05-09"
    assert read_logged_day({"utc_time_created": "2022-13-45"}) is None


@pytest.mark.parametrize(
    ("written", "version"), [("3.8", "3.8"), ("3.10", "3.10"), ("3.11.7", "3.11.7")]
)
def test_a_python_version_without_quotes_is_what_was_written(
    tmp_path: Path, written: str, version: str
) -> None:
    (tmp_path / "python_env.yaml").write_text(f"python: {written}\n")
    issues: list[str] = []

    assert read_python_version(tmp_path, {}, issues) == version
    assert not issues
