from pathlib import Path

import pytest

from handler.config import HandlerConfig
from handler.errors import ConfigError

ROOT = Path("/var/task")


def test_an_empty_environment_gives_the_defaults() -> None:
    assert HandlerConfig.from_env({}, ROOT) == HandlerConfig(
        task_root=ROOT,
        model_bucket=None,
        model_key=None,
        model_sha256=None,
        cache_dir=Path("/tmp/packager"),
        request_timeout_s=None,
        initialization_type="on-demand",
    )


def test_every_variable_is_read() -> None:
    environ = {
        "MODEL_BUCKET": "models",
        "MODEL_KEY": "a/model.zip",
        "MODEL_SHA256": "AB" * 32,
        "PACKAGER_CACHE_DIR": "/mnt/cache",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "2.5",
        "MLFLOW_DISABLE_SCHEMA_DETAILS": "True",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    assert HandlerConfig.from_env(environ, ROOT) == HandlerConfig(
        task_root=ROOT,
        model_bucket="models",
        model_key="a/model.zip",
        model_sha256="ab" * 32,
        cache_dir=Path("/mnt/cache"),
        request_timeout_s=2.5,
        hides_schema_details=True,
        initialization_type="snap-start",
    )


def test_an_empty_variable_counts_as_unset() -> None:
    names = (
        "MODEL_BUCKET",
        "MODEL_KEY",
        "MODEL_SHA256",
        "PACKAGER_CACHE_DIR",
        "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
        "MLFLOW_DISABLE_SCHEMA_DETAILS",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
    )
    assert HandlerConfig.from_env(dict.fromkeys(names, ""), ROOT) == HandlerConfig(ROOT)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_a_timeout_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.*seconds"):
        HandlerConfig.from_env({"MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": text}, ROOT)


@pytest.mark.parametrize("text", ["abc", "g" * 64, "a" * 63])
def test_a_digest_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="MODEL_SHA256 must be 64 hexadecimal digits"):
        HandlerConfig.from_env({"MODEL_SHA256": text}, ROOT)


def test_a_flag_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(ConfigError, match="MLFLOW_DISABLE_SCHEMA_DETAILS must be true or false"):
        HandlerConfig.from_env({"MLFLOW_DISABLE_SCHEMA_DETAILS": "yes"}, ROOT)


def test_all_problems_are_reported_at_once() -> None:
    environ = {"MODEL_SHA256": "x", "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT": "y"}
    with pytest.raises(ConfigError) as caught:
        HandlerConfig.from_env(environ, ROOT)
    assert "MODEL_SHA256" in str(caught.value)
    assert "REQUEST_TIMEOUT" in str(caught.value)


@pytest.mark.parametrize(
    ("initialization_type", "expected"),
    [("on-demand", False), ("snap-start", True), ("provisioned-concurrency", True)],
)
def test_an_init_that_is_kept_must_have_the_model(initialization_type: str, expected: bool) -> None:
    config = HandlerConfig(ROOT, initialization_type=initialization_type)
    assert config.must_load_at_init is expected
