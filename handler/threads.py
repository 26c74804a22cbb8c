"""One computing thread for each processor that the function really has.

Lambda shows a function at least two processors and gives it CPU time by its memory: below
about 3.5 GB two threads only take turns, and waking the second costs more than it brings.
Standard library only, and imported before numpy: its libraries read these variables once.
"""

from collections.abc import MutableMapping

_MIB_PER_VCPU = 1769
"""Source: AWS Lambda developer guide, "Configure Lambda function memory"."""
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    # TensorFlow's own pools, which it sizes by the processors that it is shown.
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)


def vcpus(environ: MutableMapping[str, str]) -> int | None:
    """Return how many whole processors the function's memory brings; None outside of Lambda."""
    try:
        memory_mib = int(environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
    except (KeyError, ValueError):
        return None
    return max(1, memory_mib // _MIB_PER_VCPU)


def limit_threads(environ: MutableMapping[str, str]) -> None:
    """Set the libraries' numbers of threads, where the deployment has not set them."""
    count = vcpus(environ)
    if count is not None:
        for name in _VARIABLES:
            environ.setdefault(name, str(count))
