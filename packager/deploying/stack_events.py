"""What CloudFormation does to a stack, event by event."""

from typing import Any

from packager.deploying.clients import Clients, stack_errors
from packager.progress import Progress


class StackEvents:
    """Tells events once each, from now on.

    :param stack_id: its ARN: a deleted stack's events are found by no name.
    """

    def __init__(self, clients: Clients, stack_id: str) -> None:
        self._clients = clients
        self._stack_id = stack_id
        self._last = ""
        self.failures: list[str] = []
        """Resources that failed, and why; the first is the cause."""
        self.ended: str | None = None
        """The status in which CloudFormation came to rest; None: it is still at work."""
        newest = self._read()
        if newest:
            self._last = newest[0]["EventId"]

    def tell(self, progress: Progress) -> None:
        """Report what happened since the last call."""
        events = self._read()
        for event in reversed(events):
            status = event["ResourceStatus"]
            reason = event.get("ResourceStatusReason")
            line = f"{status} {event.get('LogicalResourceId', '')}"
            progress.detail(f"{line}: {reason}" if reason else line)
            # What was cancelled only followed what failed.
            if status.endswith("_FAILED") and "cancelled" not in (reason or ""):
                self.failures.append(f"{event.get('LogicalResourceId')}: {reason}")
            if event.get("PhysicalResourceId") == self._stack_id:
                self.ended = None if status.endswith("_IN_PROGRESS") else status
        if events:
            self._last = events[0]["EventId"]

    def _read(self) -> list[dict[str, Any]]:
        """Return the events after the last one told, newest first; at first one page of them."""
        found: list[dict[str, Any]] = []
        with stack_errors("read the stack's events"):
            pages = self._clients.cloudformation.get_paginator("describe_stack_events")
            for page in pages.paginate(StackName=self._stack_id):
                for event in page["StackEvents"]:
                    if event["EventId"] == self._last:
                        return found
                    found.append(event)
                if not self._last:
                    break
        return found
