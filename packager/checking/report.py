"""What the checks of a bundle found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from handler.manifest import CheckEntry, ProofEntry


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a bundle from working on its target."""

    message: str
    """Where it is, what was found and what was wanted."""
    hint: str
    """What to do."""
    module: str | None = None
    """The one that is lacking, if that is what is wrong."""


@dataclass(frozen=True)
class Check:
    """One check: what it found, or why it was not made."""

    entry: CheckEntry
    problems: tuple[Problem, ...] = ()
    """Why it failed; none otherwise."""

    @classmethod
    def passed(cls, name: str, detail: str) -> "Check":
        """Return a check that found nothing wrong.

        :param detail: what was looked at, in a sentence.
        """
        return cls(CheckEntry(name, "passed", detail))

    @classmethod
    def not_made(cls, name: str, reason: str) -> "Check":
        """Return a check that could not be made: neither good nor bad."""
        return cls(CheckEntry(name, "not made", reason))

    @classmethod
    def of(cls, name: str, problems: list[Problem], detail: str) -> "Check":
        """Return a check that failed if there are problems.

        :param detail: what was looked at, for the case that there are none.
        """
        if not problems:
            return cls.passed(name, detail)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return cls(CheckEntry(name, "failed", problems[0].message + more), tuple(problems))


@dataclass(frozen=True)
class Measurements:
    """What was measured while the function ran here. None: it was not, or did not get so far."""

    init_duration_ms: float | None = None
    """From the start of the process to the end of the handler module's import."""
    peak_memory_mib: int | None = None
    """The largest resident memory of the function's process."""
    largest_difference: float | None = None
    """Between a prediction of the function and one of the source model, relative to the
    larger of the two; 0: all are equal."""
    p50_duration_ms: float | None = None
    """The median of warm invocations with the same request; measured where a gate asks for it."""
    warm_invocations: int = 0
    """How many of them there were."""
    not_enforced: tuple[str, ...] | None = None
    """What Lambda keeps from a function and this machine did not, each in words."""
    unzipped_bytes: int | None = None
    """Of the function zip and its layer, unpacked."""
    zipped_bytes: int | None = None
    """Of the function zip and its layer together."""


@dataclass(frozen=True)
class CheckReport:
    """The result of all checks, in the order in which they were made."""

    checks: tuple[Check, ...]
    measurements: Measurements
    proof: ProofEntry
    """Whether the function ran, and predicted what the source model predicts."""

    @property
    def entries(self) -> tuple[CheckEntry, ...]:
        """One for each check, for `bundle.json`."""
        return tuple(check.entry for check in self.checks)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was found wrong."""
        return tuple(problem for check in self.checks for problem in check.problems)

    @property
    def is_ok(self) -> bool:
        """Whether no check failed; those that were not made do not count."""
        return all(entry.status != "failed" for entry in self.entries)

    @property
    def not_made(self) -> tuple[CheckEntry, ...]:
        """The checks that nobody may believe to have passed."""
        return tuple(entry for entry in self.entries if entry.status == "not made")

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data for `--json` and `--report`."""
        return {
            "is_ok": self.is_ok,
            "proof": asdict(self.proof),
            "checks": [
                asdict(check.entry) | {"problems": [asdict(item) for item in check.problems]}
                for check in self.checks
            ],
            "measurements": asdict(self.measurements),
        }


def files_are(paths: Sequence[object]) -> str:
    """Return the beginning of a sentence about files: the only one, or how many and the first."""
    return f"{paths[0]} is" if len(paths) == 1 else f"{len(paths)} files, as {paths[0]}, are"
