"""What is known of the environment that a model was logged in, besides its requirements."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from packager.model.mlmodel import ModelSpec
from packager.model.pickle_age import likely_constraints


@dataclass(frozen=True)
class LoggedWith:
    """What versions that the requirements leave open had then."""

    day: str | None = None
    """As `2023-05-31`: none was released later (UTC). None: not known, or today."""
    constraints: tuple[str, ...] = ()
    """PEP 508 lines that were true there."""

    @property
    def is_known(self) -> bool:
        """Whether anything is."""
        return bool(self.day or self.constraints)


def logged_with(spec: ModelSpec) -> LoggedWith:
    """Return what the model's files tell of the environment that it was logged in."""
    day = spec.logged_day
    if day is not None and date.fromisoformat(day) >= datetime.now(UTC).date():
        day = None
    info = spec.info
    path = spec.folder / (info.engine.data_path or info.data_path)
    constraints = likely_constraints(path) if info.executes_code and path.is_file() else ()
    return LoggedWith(day, constraints)
