"""How many threads the libraries compute with."""

import pytest

from handler.threads import limit_threads

POOLS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    *("TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
)


@pytest.mark.parametrize(("memory_mib", "threads"), [(128, "1"), (1769, "1"), (3538, "2")])
def test_every_librarys_pool_has_a_thread_for_each_whole_processor(
    memory_mib: int, threads: str
) -> None:
    environ = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mib)}

    limit_threads(environ)

    assert {environ[name] for name in POOLS} == {threads}


def test_what_the_deployment_sets_stays() -> None:
    environ = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "TF_NUM_INTRAOP_THREADS": "4"}

    limit_threads(environ)

    assert environ["TF_NUM_INTRAOP_THREADS"] == "4"


def test_outside_of_lambda_nothing_is_set() -> None:
    environ: dict[str, str] = {}

    limit_threads(environ)

    assert environ == {}
