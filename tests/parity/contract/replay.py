"""Requests whose answers MLflow gave once, put to our app."""

import base64
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    content_type: str | None
    body: str


@dataclass(frozen=True)
class Record:
    """One request and what MLflow answered; README.md beside the file explains the fields."""

    id: str
    model: str
    method: str
    path: str
    headers: dict[str, str]
    status: int
    content_type: str | None
    compare: str
    body: str | None = None
    body_base64: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    answer: str | None = None
    error: dict[str, str] | None = None
    approx: bool = False

    @property
    def content(self) -> bytes | None:
        """The request's body."""
        if self.body_base64 is not None:
            return base64.b64decode(self.body_base64)
        return None if self.body is None else self.body.encode()


@cache
def records() -> list[Record]:
    """Return the whole record."""
    lines = (FOLDER / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [Record(**json.loads(line)) for line in lines]


def differences(record: Record, reply: Reply) -> list[str]:
    """Return in what our reply differs from MLflow's: what the record says to compare."""
    return list(_differences(record, reply))


def _differences(record: Record, reply: Reply) -> Iterator[str]:
    if reply.status != record.status:
        yield f"status {reply.status}, not {record.status}: {reply.body[:300]}"
        return
    if reply.content_type != record.content_type:
        yield f"content type {reply.content_type}, not {record.content_type}"
    if record.compare == "exact" and reply.body != record.answer:
        yield f"body {reply.body[:300]!r}, not {record.answer!r}"
    if record.compare == "json":
        assert record.answer is not None
        if not _same(json.loads(reply.body), json.loads(record.answer), is_approx=record.approx):
            yield f"answer {reply.body[:900]}, not {record.answer[:900]}"
    if record.compare == "error":
        assert record.error is not None
        document = json.loads(reply.body)
        found = {key: document.get(key) for key in record.error}
        if found != record.error:
            yield f"error {found}, not {record.error}"


def _same(ours: Any, theirs: Any, *, is_approx: bool) -> bool:
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(
            _same(ours[key], theirs[key], is_approx=is_approx) for key in ours
        )
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(
            _same(our, their, is_approx=is_approx) for our, their in zip(ours, theirs, strict=True)
        )
    if isinstance(ours, float) and is_approx:
        return math.isclose(ours, theirs, rel_tol=1e-6)
    # To the bit: repr tells -0.0 from 0.0, and one NaN is as good as another.
    return repr(ours) == repr(theirs)
