"""From an MLflow model to an AWS Lambda endpoint that speaks MLflow's scoring protocol.

The functions and classes below are the public API (docs/python-api.md). Each is imported when it is
first used: `import packager` alone costs little and brings neither boto3 nor numpy.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from packager.api.bundles import build, check, load, plan, publish
    from packager.api.models import Model, open_model, serve
    from packager.api.stacks import deploy, roll_back, status
    from packager.building.config import BuildConfig
    from packager.building.plan import BuildPlan
    from packager.building.story import BuildReport
    from packager.bundle.folder import Bundle, read_bundle
    from packager.checking.gates import Gates
    from packager.checking.report import CheckReport
    from packager.deploying.report import StackReport
    from packager.deploying.steps import Deployed
    from packager.engine.choose import Optimization
    from packager.errors import PackagerError
    from packager.local.serve import ServeConfig
    from packager.lock.obtain import LockPolicy
    from packager.requirements.overrides import Overrides
    from packager.scoring.predictor import Predictor
    from packager.storage.publish import PublishReport
    from packager.support.uv import Indexes

__version__ = "0.1.0"

_HOMES = {
    "api.models": ("Model", "open_model", "serve"),
    "api.bundles": ("plan", "build", "check", "load", "publish"),
    "api.stacks": ("deploy", "roll_back", "status"),
    "building.config": ("BuildConfig",),
    "building.plan": ("BuildPlan",),
    "building.story": ("BuildReport",),
    "bundle.folder": ("Bundle", "read_bundle"),
    "checking.gates": ("Gates",),
    "checking.report": ("CheckReport",),
    "deploying.report": ("StackReport",),
    "deploying.steps": ("Deployed",),
    "engine.choose": ("Optimization",),
    "errors": ("PackagerError",),
    "local.serve": ("ServeConfig",),
    "lock.obtain": ("LockPolicy",),
    "requirements.overrides": ("Overrides",),
    "scoring.predictor": ("Predictor",),
    "storage.publish": ("PublishReport",),
    "support.uv": ("Indexes",),
}

__all__ = [
    "open_model",
    "plan",
    "build",
    "check",
    "load",
    "serve",
    "publish",
    "deploy",
    "roll_back",
    "status",
    "read_bundle",
    "BuildConfig",
    "Gates",
    "Indexes",
    "LockPolicy",
    "Optimization",
    "Overrides",
    "ServeConfig",
    "BuildPlan",
    "BuildReport",
    "Bundle",
    "CheckReport",
    "Deployed",
    "Model",
    "Predictor",
    "PublishReport",
    "StackReport",
    "PackagerError",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(importlib.import_module(f"packager.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
