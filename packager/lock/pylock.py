"""The lock of a bundle: `pylock.toml` (PEP 751), and what it was made from."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from handler.manifest import PackageEntry
from packager.errors import ConfigError

OWN_LOCK_NAME = "pylock.own-python.toml"
"""Of the packages of the model's own Python, beside the function's lock; PEP 751 names it so."""
_TABLE = "\n[tool.packager]"


@dataclass(frozen=True)
class LockInputs:
    """What a lock answers; while it stays the same, so may the lock."""

    runtime: str
    """Lambda's identifier, as `python3.11`."""
    architecture: str
    requirements: tuple[str, ...]
    """PEP 508 lines, sorted."""
    constraints: tuple[str, ...] = ()
    """Lines that narrow versions and install nothing, sorted."""
    excluded: tuple[str, ...] = ()
    """Globs of packages that stay out though something requires them, sorted."""

    def differences(self, other: "LockInputs") -> list[str]:
        """Return in words, a line each, what `other` has otherwise."""
        lines = []
        for name in ("runtime", "architecture"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                lines.append(f"{name}: {mine} is now {theirs}")
        for name in ("requirements", "constraints", "excluded"):
            mine, theirs = set(getattr(self, name)), set(getattr(other, name))
            lines += [f"{name}: - {line}" for line in sorted(mine - theirs)]
            lines += [f"{name}: + {line}" for line in sorted(theirs - mine)]
        return lines


@dataclass(frozen=True)
class Lock:
    """A resolved set of wheels."""

    text: str
    """The `pylock.toml`."""
    packages: tuple[PackageEntry, ...]
    """Sorted by name."""
    inputs: LockInputs | None = None
    """None: another tool wrote the file, and did not say."""

    @classmethod
    def from_pylock(cls, text: str) -> "Lock":
        """Read a `pylock.toml`.

        :raises ValueError: it is none.
        """
        document = tomllib.loads(text)
        if "lock-version" not in document:
            raise ValueError("no lock-version in it, so not a pylock.toml (PEP 751)")
        try:
            entries = [
                PackageEntry(item["name"], item["version"]) for item in document.get("packages", [])
            ]
            inputs = _read_inputs(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a pylock.toml: {error!r}") from error
        return cls(text, tuple(sorted(entries, key=lambda entry: entry.name)), inputs)

    def made_from(self, inputs: LockInputs) -> "Lock":
        """Return the lock with its inputs written into it."""
        # PEP 751 leaves [tool] to tools. A JSON list of strings is a TOML one.
        table = [_TABLE]
        table += [f"runtime = {json.dumps(inputs.runtime)}"]
        table += [f"architecture = {json.dumps(inputs.architecture)}"]
        for name in ("requirements", "constraints", "excluded"):
            values = list(getattr(inputs, name))
            table.append(f"{name} = {json.dumps(values, ensure_ascii=False)}")
        return Lock(self.wheels + "\n".join(table) + "\n", self.packages, inputs)

    @property
    def wheels(self) -> str:
        """The text without its origin: the same for all models that need the same."""
        return self.text.partition(_TABLE)[0]

    @property
    def pins(self) -> str:
        """The versions as requirements lines."""
        return "".join(f"{package.name}=={package.version}\n" for package in self.packages)


def read_pins(text: str) -> dict[str, str]:
    """Return name and version of each line that is a pin, as `uv pip compile` writes them."""
    lines = (line.partition(" ")[0].partition("==") for line in text.splitlines())
    return {name: version for name, is_pin, version in lines if is_pin}


def read_lock(path: Path) -> Lock:
    """Read the lock of an earlier build.

    :raises ConfigError: the file cannot be read or is no lock.
    """
    try:
        return Lock.from_pylock(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the lock {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(
            f"{path} is no lock: {error}", hint="Build with --upgrade to make a new one."
        ) from error


def read_own_lock(path: Path) -> Lock | None:
    """Read what lies beside the lock of an earlier build, for the model's own Python.

    :param path: of that lock.
    :returns: None: there is none, the model had no Python of its own.
    :raises ConfigError: as :func:`read_lock`.
    """
    beside = path.with_name(OWN_LOCK_NAME)
    return read_lock(beside) if beside.is_file() else None


def _read_inputs(document: dict[str, object]) -> LockInputs | None:
    tool = document.get("tool")
    table = tool.get("packager") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        return None
    return LockInputs(
        runtime=str(table["runtime"]),
        architecture=str(table["architecture"]),
        requirements=tuple(table["requirements"]),
        constraints=tuple(table["constraints"]),
        excluded=tuple(table["excluded"]),
    )
