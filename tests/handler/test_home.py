"""Where libraries keep what belongs to a user's home."""

from handler.home import make_home


def test_what_libraries_write_goes_to_the_only_writable_folder() -> None:
    environ = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "HF_HOME": "/opt/models"}

    make_home(environ)

    assert environ["HF_HOME"] == "/opt/models", "what the deployment sets stays"
    for name in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        assert environ[name].startswith("/tmp")


def test_outside_of_lambda_nothing_is_set() -> None:
    environ: dict[str, str] = {}

    make_home(environ)

    assert environ == {}
