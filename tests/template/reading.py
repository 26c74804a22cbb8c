"""Reads templates as CloudFormation does: `!Ref X` as `{"Ref": "X"}`, and so on."""

from typing import Any

import yaml

CloudFormationLoader: Any = type("CloudFormationLoader", (yaml.CSafeLoader,), {})
"""YAML with CloudFormation's short forms."""


def _construct(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = str(value).split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


CloudFormationLoader.add_multi_constructor("!", _construct)


def parse(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(text, CloudFormationLoader)
    return document
