"""The template's parameters: which there are, and which values they take.

CloudFormation checks the same, but only when all is uploaded.
"""

import difflib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from packager.errors import BundleInvalid, ConfigError
from packager.support.malformed import YAML_ERRORS

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


def declared_parameters(template: str) -> dict[str, dict[str, Any]]:
    """Return the template's parameters, each as it is declared there.

    :raises BundleInvalid: they cannot be read.
    """
    try:
        document: Any = yaml.load(template, _Tagless)
        declared = dict(document["Parameters"])
        if all("Type" in item for item in declared.values()):
            return declared
    except (*YAML_ERRORS, TypeError, KeyError, ValueError):
        pass
    raise BundleInvalid(
        "the bundle's template.yaml is damaged: its parameters cannot be read",
        hint="Build the bundle again.",
    )


def check_given(given: Mapping[str, str], declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what the template does not take.

    :raises ConfigError: an unknown parameter, one that is ours, or a value that it does not take.
    """
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
    kept, bound = most(values.get(PROVISIONED) or "0"), most(values.get(RESERVED) or "-1")
    if kept and kept >= bound:
        raise ConfigError(
            f"{PROVISIONED}={kept:.0f} leaves nothing of {RESERVED}={bound:.0f} for the test of a"
            " new version",
            hint=f"Give a {RESERVED} of at least {kept + 1:.0f}, or -1 for no bound.",
        )


def most(count: str) -> float:
    """Return how many execution environments that is: -1 is no bound."""
    return float("inf") if number(count) == -1 else float(number(count))


def is_number(text: str) -> bool:
    """Tell whether it is a number in the form that people write: CloudFormation takes 1e3 too."""
    return re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text) is not None


def number(text: str) -> Decimal:
    """Return the number in one form, whatever the zeros around it."""
    return Decimal(text).normalize()


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
        if not is_number(value):
            return "a number"
        if number(value) < declaration.get("MinValue", number(value)):
            return f"a number from {declaration['MinValue']} on"
        if number(value) > declaration.get("MaxValue", number(value)):
            return f"a number up to {declaration['MaxValue']}"
    pattern = declaration.get("AllowedPattern")
    if pattern and not re.fullmatch(pattern, value):
        return str(declaration.get("ConstraintDescription", f"what {pattern} describes"))
    return None
