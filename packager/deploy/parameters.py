"""The template's parameters: which there are, and which values they take.

CloudFormation checks the same, but only when all is uploaded.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from packager.errors import ConfigError

LIVE_VERSION = "LiveVersion"
REVISION = "Revision"
ROLLS_BACK = "RollsBack"
"""With "true" traffic goes over at once, whatever `Deployment` says."""
SET_BY_DEPLOY = {"ModelBucket", "ModelPrefix", "ModelSha256", LIVE_VERSION, REVISION, ROLLS_BACK}
"""Parameters that no user gives."""
LAYER_ARN = "LayerArn"
"""Of bundles with a layer: one that is there already. The output of this name is the one used."""
PROVISIONED = "ProvisionedConcurrency"
RESERVED = "ReservedConcurrency"


def declared_parameters(template: str) -> dict[str, str]:
    """Return the template's parameters with their defaults; what has none is empty."""
    return {name: str(item.get("Default", "")) for name, item in _declarations(template).items()}


def check_given(given: Mapping[str, str], template: str) -> None:
    """Refuse what the template does not take.

    :raises ConfigError: an unknown parameter, one that is ours, or a value that it does not take.
    """
    declared = _declarations(template)
    for name, value in given.items():
        if name in SET_BY_DEPLOY:
            raise ConfigError(f"the parameter {name} is set by `packager deploy` itself")
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            hint = f"Did you mean {near[0]}?" if near else "template.yaml lists them."
            raise ConfigError(f"the template has no parameter {name}", hint=hint)
        wanted = _wanted(declared[name], value)
        if wanted is not None:
            raise ConfigError(f"{name}={value}: it takes {wanted}")


def check_concurrency(values: Mapping[str, str]) -> None:
    """Refuse what Lambda would, after minutes: rules of a template can't compare numbers.

    :raises ConfigError: there would be no room for a version that is tested.
    """
    kept, bound = int(values.get(PROVISIONED) or 0), most(values.get(RESERVED) or "-1")
    if kept and kept >= bound:
        raise ConfigError(
            f"{PROVISIONED}={kept} leaves nothing of {RESERVED}={bound:.0f} for the test of a"
            " new version",
            hint=f"Give a {RESERVED} of at least {kept + 1}, or -1 for no bound.",
        )


def most(reserved: str) -> float:
    """Return how many execution environments that is: -1 is no bound."""
    return float("inf") if reserved == "-1" else int(reserved)


def _declarations(template: str) -> dict[str, dict[str, Any]]:
    document: Any = yaml.load(template, _Tagless)
    return dict(document.get("Parameters", {}))


# libyaml's, where PyYAML has it: a quarter of a second less for a template of this size.
_Tagless: Any = type("_Tagless", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
"""Reads past CloudFormation's short forms, as `!Ref`: parameters have none."""
_Tagless.add_multi_constructor("!", lambda loader, suffix, node: None)


def _wanted(declaration: Mapping[str, Any], value: str) -> str | None:
    """Return what the parameter takes, where this value is none of it."""
    allowed = [str(item) for item in declaration.get("AllowedValues", [value])]
    if value not in allowed:
        return " or ".join(allowed)
    if declaration["Type"] == "Number":
        if not re.fullmatch(r"-?\d{1,9}", value):
            return "a whole number"
        if int(value) < declaration.get("MinValue", int(value)):
            return f"a number from {declaration['MinValue']} on"
        if int(value) > declaration.get("MaxValue", int(value)):
            return f"a number up to {declaration['MaxValue']}"
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return str(declaration.get("ConstraintDescription", f"what {pattern} describes"))
    return None
