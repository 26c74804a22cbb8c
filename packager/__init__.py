"""From an MLflow model to an AWS Lambda endpoint that speaks MLflow's scoring protocol.

The functions and classes below are the public API (docs/python-api.md). Each is imported when it is
first used: `import packager` alone costs little and brings neither boto3 nor numpy.
"""

from packager.version import __version__ as __version__

TYPE_CHECKING = False  # as in typing, which takes 10 ms to import
if TYPE_CHECKING:
    from packager.api.builds import build as build, check as check, plan as plan
    from packager.api.bundles import load as load, publish as publish
    from packager.api.models import Model as Model, open_model as open_model, serve as serve
    from packager.api.stacks import deploy as deploy, roll_back as roll_back, status as status
    from packager.building.config import BuildConfig as BuildConfig
    from packager.building.plan import BuildPlan as BuildPlan
    from packager.building.story import BuildReport as BuildReport
    from packager.bundle.folder import Bundle as Bundle, read_bundle as read_bundle
    from packager.checking.gates import Gates as Gates
    from packager.checking.report import CheckReport as CheckReport
    from packager.deploying.report import StackReport as StackReport
    from packager.deploying.steps import Deployed as Deployed
    from packager.engine.choose import Optimization as Optimization
    from packager.errors import PackagerError as PackagerError
    from packager.local.serve import ServeConfig as ServeConfig
    from packager.lock.obtain import LockPolicy as LockPolicy
    from packager.requirements.overrides import Overrides as Overrides
    from packager.scoring.predictor import Predictor as Predictor
    from packager.storage.publish import PublishReport as PublishReport
    from packager.support.uv import Indexes as Indexes

_HOMES = {
    "api.models": ("Model", "open_model", "serve"),
    "api.builds": ("plan", "build", "check"),
    "api.bundles": ("load", "publish"),
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

__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> object:
    import importlib

    for home, names in _HOMES.items():
        if name in names:
            value: object = getattr(importlib.import_module(f"packager.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
