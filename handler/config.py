"""The handler's settings, read once from the environment. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from handler.errors import ConfigError

_DEFAULT_CACHE_DIR = Path("/tmp/packager")  # Lambda's only writable folder is /tmp


@dataclass(frozen=True)
class HandlerConfig:
    """Everything that the deployment decides and the bundle does not."""

    task_root: Path
    """The folder that holds `bundle.json` and the `handler` package."""
    model_bucket: str | None = None
    """MODEL_BUCKET"""
    model_key: str | None = None
    """MODEL_KEY: the full key of the model archive."""
    model_sha256: str | None = None
    """MODEL_SHA256: the deployment's own pin; must equal the manifest's."""
    cache_dir: Path = _DEFAULT_CACHE_DIR
    """PACKAGER_CACHE_DIR: where the fetched model is kept."""
    request_timeout_s: float | None = None
    """MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT; None: Lambda's own timeout ends the request."""
    hides_schema_details: bool = False
    """MLFLOW_DISABLE_SCHEMA_DETAILS: keep the signature out of the errors about it."""
    initialization_type: str = "on-demand"
    """AWS_LAMBDA_INITIALIZATION_TYPE"""

    @classmethod
    def from_env(cls, environ: Mapping[str, str], task_root: Path) -> Self:
        """Build from environment variables; an empty one counts as unset.

        :raises ConfigError: lists every variable that is wrong.
        """
        issues: list[str] = []
        timeout_s = _timeout_s(environ, issues)
        sha256 = _sha256(environ, issues)
        hides_schema_details = _flag(environ, "MLFLOW_DISABLE_SCHEMA_DETAILS", issues)
        if issues:
            raise ConfigError("; ".join(issues))
        return cls(
            task_root=task_root,
            model_bucket=environ.get("MODEL_BUCKET") or None,
            model_key=environ.get("MODEL_KEY") or None,
            model_sha256=sha256,
            cache_dir=Path(environ.get("PACKAGER_CACHE_DIR") or _DEFAULT_CACHE_DIR),
            request_timeout_s=timeout_s,
            hides_schema_details=hides_schema_details,
            initialization_type=initialization_type(environ),
        )

    @property
    def must_load_at_init(self) -> bool:
        """Whether the init is kept for later use, so that it must not succeed without a model."""
        return self.initialization_type in ("snap-start", "provisioned-concurrency")


def initialization_type(environ: Mapping[str, str]) -> str:
    """Return Lambda's AWS_LAMBDA_INITIALIZATION_TYPE; `on-demand` outside of Lambda."""
    return environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") or "on-demand"


def _timeout_s(environ: Mapping[str, str], issues: list[str]) -> float | None:
    name = "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"
    text = environ.get(name)
    if not text:
        return None
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = 0.0
    # Not `<= 0`: NaN compares false with everything.
    if not 0 < timeout_s < float("inf"):
        issues.append(f"{name} must be a number of seconds above 0, not {text!r}")
    return timeout_s


def _flag(environ: Mapping[str, str], name: str, issues: list[str]) -> bool:
    # The words that MLflow's own boolean variables take.
    text = environ.get(name, "").lower()
    if text not in ("", "true", "1", "false", "0"):
        issues.append(f"{name} must be true or false, not {text!r}")
    return text in ("true", "1")


def _sha256(environ: Mapping[str, str], issues: list[str]) -> str | None:
    text = environ.get("MODEL_SHA256", "").lower()
    if text and (len(text) != 64 or not set(text) <= set("0123456789abcdef")):
        issues.append(f"MODEL_SHA256 must be 64 hexadecimal digits, not {text!r}")
    return text or None
