"""Versions and the alias `live` in moto's Lambda, and traffic that CodeDeploy moves in steps."""

from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.cloudformation.models import cloudformation_backends
from moto.core import DEFAULT_ACCOUNT_ID

REGION = "us-east-1"


@dataclass
class Published:
    """What the relay knows of a stack beyond moto."""

    template: str = ""
    function_name: str = ""
    version_name: str = ""
    version: str = ""
    function: dict[str, Any] = field(default_factory=dict)
    code: dict[str, bytes] = field(default_factory=dict)


@dataclass
class Shift:
    """Traffic on its way from one version to another, as CodeDeploy moves it."""

    stack: Any
    function_name: str
    version: str
    parameters_before: Any


class Traffic:
    """Knows what was published in each stack, and which version has its traffic."""

    def reset(self) -> None:
        self.stacks: dict[str, Published] = {}
        self.lived: list[str] = []
        """Versions in the order in which they got traffic."""
        self.alarm_rings = False
        """Whether an alarm stops each shift of traffic."""
        self._shift: Shift | None = None

    def stack(self, name: str) -> Any:
        return cloudformation_backends[DEFAULT_ACCOUNT_ID][REGION].get_stack(name)

    def live(self, name: str) -> str | None:
        """Return where the alias points, None without one."""
        aliases = self._aliases(self.function_name(name))
        return aliases["live"].function_version if "live" in aliases else None

    def live_or_none(self, name: str) -> str | None:
        """Return the same, and None while there is no function either."""
        return self.live(name) if self.stacks else None

    def proven(self, name: str) -> set[str]:
        """Return the versions that are marked as such."""
        aliases = self._aliases(self.function_name(name)).values()
        return {item.function_version for item in aliases if item.name.startswith("proven-")}

    def published(self, name: str) -> Published:
        return self.stacks[self.stack(name).stack_id]

    def function_name(self, name: str) -> str:
        return self.published(name).function_name

    def _made_function(self, stack: Any) -> str:
        (found,) = [item for item in stack.stack_resources if hasattr(item, "function_name")]
        return str(found.function_name)

    def _aliases(self, function: str) -> dict[str, Any]:
        found = self._functions.list_aliases(function)
        return {alias.name: alias for alias in found}

    @property
    def _functions(self) -> Any:
        return lambda_backends[DEFAULT_ACCOUNT_ID][REGION]

    def _layer_output(self) -> dict[str, str]:
        versions = [item["LatestMatchingVersion"] for item in self._functions.list_layers()]
        return {"LayerArn": versions[-1]["LayerVersionArn"]} if versions else {}

    def _begin_shift(self, shift: Shift) -> None:
        shift.stack.status = "UPDATE_IN_PROGRESS"
        live = self._aliases(shift.function_name)["live"].function_version
        weights = {"AdditionalVersionWeights": {shift.version: 0.1}}
        self._functions.update_alias("live", shift.function_name, live, "", weights)
        self.lived.append(shift.version)
        self._shift = shift

    def _end_shift(self, shift: Shift) -> None:
        self._shift = None
        live = self._aliases(shift.function_name)["live"].function_version
        if self.alarm_rings:
            shift.stack.parameters = shift.parameters_before
            shift.stack.status = "UPDATE_ROLLBACK_COMPLETE"
            shift.stack._add_stack_event("UPDATE_FAILED", "CodeDeploy: an alarm rang")
        else:
            live, shift.stack.status = shift.version, "UPDATE_COMPLETE"
        no_weights: dict[str, Any] = {"AdditionalVersionWeights": {}}
        self._functions.update_alias("live", shift.function_name, live, "", no_weights)

    def _move(self, function: str, version: str) -> None:
        if "live" in (aliases := self._aliases(function)):
            if aliases["live"].function_version == version:
                return
            self._functions.update_alias("live", function, version, "", None)
        else:
            self._functions.create_alias("live", function, version, "", None)
        self.lived.append(version)
