"""What CloudFormation makes of a template for given parameters: conditions, rules, references."""

import re
from typing import Any

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "my-model",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


class Resolver:
    """One template with one set of parameter values; lists are comma-separated texts.

    :param values: those that differ from the defaults.
    """

    def __init__(self, template: dict[str, Any], values: dict[str, str]) -> None:
        self.template = template
        defaults = {
            name: str(item["Default"])
            for name, item in template["Parameters"].items()
            if "Default" in item
        }
        unknown = set(values) - set(template["Parameters"])
        assert not unknown, unknown
        self.parameters = defaults | values

    def holds(self, condition: str) -> bool:
        return self._is_true(self.template["Conditions"][condition])

    def refusals(self) -> list[str]:
        """Return what the template's rules say against the parameters."""
        return [
            assertion["AssertDescription"]
            for rule in self.template.get("Rules", {}).values()
            if self._is_true(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self._is_true(assertion["Assert"])
        ]

    def resolved(self) -> dict[str, Any]:
        """Return the template without conditions: what is not made is not there."""
        kept = {
            section: {
                name: self._value({k: v for k, v in item.items() if k != "Condition"})
                for name, item in self.template[section].items()
                if "Condition" not in item or self.holds(item["Condition"])
            }
            for section in ("Resources", "Outputs")
        }
        parameters = {
            # So that who reads this sees the values, and not what else could have been given.
            name: {"Type": item["Type"], "Default": self.parameters.get(name, "")}
            for name, item in self.template["Parameters"].items()
        }
        rest = {k: v for k, v in self.template.items() if k not in (*kept, "Conditions", "Rules")}
        for resource in kept["Resources"].values():
            wanted = resource.get("DependsOn", [])
            names = [wanted] if isinstance(wanted, str) else wanted
            resource.pop("DependsOn", None)
            if present := [name for name in names if name in kept["Resources"]]:
                resource["DependsOn"] = present
        return rest | kept | {"Parameters": parameters}

    def _is_true(self, node: Any) -> bool:
        ((function, argument),) = node.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Not":
            return not self._is_true(argument[0])
        if function == "Fn::And":
            return all(self._is_true(item) for item in argument)
        if function == "Fn::EachMemberEquals":
            return all(item == argument[1] for item in self._text(argument[0]).split(","))
        assert function == "Fn::Equals", function
        return self._text(argument[0]) == self._text(argument[1])

    def _text(self, node: Any) -> str:
        if not isinstance(node, dict):
            return str(node)
        if "Fn::Join" in node:
            return str(node["Fn::Join"][0]).join(self._text(node["Fn::Join"][1]).split(","))
        return self.parameters[node["Ref"]]

    def _value(self, node: Any) -> Any:
        if isinstance(node, list):
            values = [self._value(item) for item in node]
            return [value for value in values if value != _NOTHING]
        if not isinstance(node, dict):
            return node
        if set(node) == {"Fn::If"}:
            condition, yes, no = node["Fn::If"]
            return self._value(yes if self.holds(condition) else no)
        values = {name: self._value(value) for name, value in node.items()}
        return {name: value for name, value in values.items() if value != _NOTHING}


def dangling(template: dict[str, Any]) -> set[str]:
    """Return the names that are referred to and not there."""
    known = {*template["Resources"], *template["Parameters"], *PSEUDO}
    return {name for name in _references(template["Resources"]) if name not in known} | {
        name for name in _references(template["Outputs"]) if name not in known
    }


def without_types(template: dict[str, Any], types: set[str]) -> dict[str, Any]:
    """Return the template without resources of these types, and without what refers to them."""
    resources = dict(template["Resources"])
    gone = {name for name, item in resources.items() if item["Type"] in types}
    while gone:
        resources = {name: item for name, item in resources.items() if name not in gone}
        gone = {
            name
            for name, item in resources.items()
            if not _references(item) <= {*resources, *PSEUDO, *template["Parameters"]}
        }
    kept = {*resources, *PSEUDO, *template["Parameters"]}
    outputs = {k: v for k, v in template["Outputs"].items() if _references(v) <= kept}
    return template | {"Resources": resources, "Outputs": outputs}


def _references(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(_references, node.values()))
    if "Ref" in node:
        found.add(node["Ref"])
    if "Fn::GetAtt" in node:
        found.add(node["Fn::GetAtt"][0])
    if "Fn::Sub" in node:
        names = _VARIABLE.findall(node["Fn::Sub"])
        found |= {name if name in PSEUDO else name.split(".")[0] for name in names}
    return found
