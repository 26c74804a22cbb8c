"""Events that a user names: what AWS would send the function."""

import json
import sys
from pathlib import Path
from typing import Any

from packager.errors import ConfigError


def read_event(name: str) -> Any:
    """Return the event in this file; `-` is stdin.

    :raises ConfigError: it cannot be read, or is no JSON.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise ConfigError(
            f"cannot read the event {name}: {error.strerror}",
            hint="`packager build` writes sample events into the bundle's events/ folder.",
        ) from error
    except ValueError as error:
        raise ConfigError(f"the event {name} is not JSON: {error}") from error
