"""What a function gets for its model: memory, room in /tmp and time.

The rule depends on the model's files alone, so that equal models give equal templates. What a
check measured is compared with it afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from handler.manifest import ModelInfo, ModelSource
from packager.aws.runtimes import (
    DEFAULT_TMP_MIB,
    MAX_INIT_S,
    MAX_MEMORY_MIB,
    MAX_TIMEOUT_S,
    MAX_TMP_MIB,
    ONE_VCPU_MEMORY_MIB,
)
from packager.errors import LimitExceeded

HTTP_API_TIMEOUT_S = 30
"""Of API Gateway's HTTP APIs, which cannot be raised.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""

LIBRARIES_MIB = 512
"""For the interpreter, the libraries and a request."""
_MEMORY_STEP_MIB = 256
_TMP_ROOM_MIB = 192
"""For what is unpacked in /tmp besides the model, and its folders."""
_BYTES_IN_TEN_SECONDS = 250_000_000
"""What is fetched and loaded in 10 s at the least: a third of what Lambda's network gives."""
_COPIES = {"cloudpickle": 1, "pickle": 1, "joblib": 1, "code": 1}
"""How much of the file is in memory at once while it is loaded, measured; see docs/bundles.md."""
_COPIES_ELSEWHERE = 2
"""skops reads all of the file before it makes the objects; most libraries parse a buffer."""
_UNMEASURED_MIB = 64
"""What Lambda counts and the process's own memory does not."""


@dataclass(frozen=True)
class Sizing:
    """Defaults of the template's parameters."""

    memory_mib: int
    ephemeral_storage_mib: int
    timeout_s: int


def size_function(info: ModelInfo, model_source: ModelSource) -> Sizing:
    """Return what a function with this model needs, within what Lambda allows."""
    size_bytes = _size_bytes(info)
    wanted_s = HTTP_API_TIMEOUT_S + 10 * (size_bytes // _BYTES_IN_TEN_SECONDS)
    memory_mib = max(_memory_mib(info), ONE_VCPU_MEMORY_MIB)
    tmp_mib = max(_tmp_mib(info, model_source), DEFAULT_TMP_MIB)
    return Sizing(
        memory_mib=min(memory_mib, MAX_MEMORY_MIB),
        ephemeral_storage_mib=min(tmp_mib, MAX_TMP_MIB),
        timeout_s=min(wanted_s, MAX_TIMEOUT_S),
    )


def check_fits(info: ModelInfo, model_source: ModelSource) -> None:
    """Check that a function can have the model on its disk.

    :raises LimitExceeded: /tmp, where a model from S3 is written, cannot be made large enough.
    """
    wanted_mib = _tmp_mib(info, model_source)
    if wanted_mib > MAX_TMP_MIB:
        raise LimitExceeded(
            f"the model has {_size_bytes(info) / 1e9:.1f} GB and takes {wanted_mib:,} MiB of /tmp;"
            f" Lambda has {MAX_TMP_MIB:,} MiB at most",
            hint="Save the model smaller: fewer trees, float32 instead of float64, quantised. A"
            " container image may have 10 GiB in all: --package image --model-source embedded.",
        )


def size_warnings(info: ModelInfo, model_source: ModelSource) -> Iterator[str]:
    """Give in words what a model of this size means on Lambda."""
    sizing = size_function(info, model_source)
    size = f"the model has {_size_bytes(info) / 1e9:.1f} GB"
    if _memory_mib(info) > MAX_MEMORY_MIB:
        yield (
            f"{size}: loading it may take {_memory_mib(info):,} MiB of memory and Lambda has"
            f" {MAX_MEMORY_MIB:,} MiB at most. If it is not mapped into memory it will not load"
        )
    if sizing.timeout_s > HTTP_API_TIMEOUT_S:
        yield (
            f"{size}: a cold start may take longer than Lambda's {MAX_INIT_S} s for an init and"
            f" than the {HTTP_API_TIMEOUT_S} s after which an HTTP API gives up. The function goes"
            " on, and has the model for later requests; provisioned concurrency has it from the"
            " start"
        )


def memory_warning(sizing: Sizing, peak_memory_mib: int | None) -> str | None:
    """Return a warning when a check measured more memory than the template gives."""
    if peak_memory_mib is None or peak_memory_mib + _UNMEASURED_MIB <= sizing.memory_mib:
        return None
    wanted_mib = _rounded_mib(peak_memory_mib + _UNMEASURED_MIB)
    return (
        f"the function's process took {peak_memory_mib:,} MiB when it was checked, the template's"
        f" default is {sizing.memory_mib:,} MiB: deploy it with MemorySize={wanted_mib} or more"
    )


def _size_bytes(info: ModelInfo) -> int:
    return sum(entry.size_bytes for entry in info.files)


def _memory_mib(info: ModelInfo) -> int:
    is_rewritten = info.engine.name == "exact" and info.engine.data_path is not None
    name = "pickle" if is_rewritten else info.serialization_format
    copies = _COPIES.get(name, _COPIES_ELSEWHERE)
    return _rounded_mib(LIBRARIES_MIB + copies * _size_bytes(info) / 2**20)


def _tmp_mib(info: ModelInfo, model_source: ModelSource) -> int:
    if model_source == "embedded":
        return _TMP_ROOM_MIB
    return ceil(_size_bytes(info) / 2**20) + _TMP_ROOM_MIB


def _rounded_mib(mib: float) -> int:
    return ceil(mib / _MEMORY_STEP_MIB) * _MEMORY_STEP_MIB
