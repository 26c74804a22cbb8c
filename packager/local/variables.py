"""The environment variables that Lambda gives a function."""

from pathlib import Path

from packager.local.function import Function
from packager.packages.layer import LIBRARIES_FOLDER, PACKAGES_FOLDER

_FUNCTION_NAME = "packager-local"
_SYSTEM_LIBRARIES = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib"


def lambda_variables(function: Function, task_root: str, layer: str | None) -> dict[str, str]:
    """Return all variables of a function but its own; nothing else of ours reaches it.

    HOME and TMPDIR are not among them, as on Lambda.

    :param task_root: where the function sees the unpacked zip.
    :param layer: where it sees the unpacked layer; None: there is none.
    """
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_LAMBDA_FUNCTION_NAME": _FUNCTION_NAME,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mib),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout_s),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{_FUNCTION_NAME}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": task_root,
        # Lambda's own packages come after both, as they do there.
        "PYTHONPATH": f"{task_root}:{layer}/{PACKAGES_FOLDER}" if layer else task_root,
        # Where `packager build` puts what Lambda lacks: lib/ of the task root is on it.
        "LD_LIBRARY_PATH": f"{_SYSTEM_LIBRARIES}:{task_root}:{task_root}/{LIBRARIES_FOLDER}"
        f":{layer or '/opt'}/{LIBRARIES_FOLDER}",
    }


def variables_here(function: Function, private: Path) -> dict[str, str]:
    """Return the same for a function that is no sandbox's, and sees this machine's paths.

    :param private: a folder that stands for Lambda's /tmp.
    """
    layer = str(function.layer) if function.layer else None
    # Lambda has these by other means: a read-only disk, no user, a /tmp of its own.
    return lambda_variables(function, str(function.task_root), layer) | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "TMPDIR": str(private),
        "PACKAGER_CACHE_DIR": f"{private}/packager",
        # Without it boto3 would read the user's own ~/.aws.
        "HOME": str(private),
    }
