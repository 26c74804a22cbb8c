"""A Dockerfile's steps carried out in plain folders: what a machine without Docker can check."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

TASK_ROOT = "/var/task"


def build_image(
    context: Path, root: Path, python: Path, others: Mapping[str, Path] | None = None
) -> Path:
    """Carry out the bundle's Dockerfile and return the image's task root.

    Each stage is a folder below `root`, in which the paths that the Dockerfile names lie.

    :param python: stands for the interpreter that the base image has.
    :param others: what stands for /usr/local of stages that are other images, by the stage's name.
    :raises AssertionError: a step fails, or is of a kind that this does not know.
    """
    stages: dict[str, Path] = {}
    stage = root
    for keyword, rest in _instructions((context / "Dockerfile").read_text()):
        if keyword == "FROM":
            name = rest.partition(" AS ")[2] or "image"
            stage = stages[name] = root / name
            (stage / TASK_ROOT[1:]).mkdir(parents=True)
            if others and name in others:
                (stage / "usr").mkdir()
                (stage / "usr" / "local").symlink_to(others[name])
        elif keyword == "COPY":
            _copy(rest, context, stage, stages)
        elif keyword == "RUN":
            _run(rest, stage, python)
        else:
            assert keyword in ("ARG", "CMD", "ENTRYPOINT", "ENV", "WORKDIR"), keyword
    return stage / TASK_ROOT[1:]


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", "", "\n".join(lines)).replace("${LAMBDA_TASK_ROOT}", TASK_ROOT)
    parts = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(keyword, rest.strip()) for keyword, _, rest in parts]


def _copy(rest: str, context: Path, stage: Path, stages: dict[str, Path]) -> None:
    *options, source, destination = rest.split()
    target = stage / destination[1:]
    if options:
        (origin,) = options
        folder = stages[origin.removeprefix("--from=")] / source[1:]
        if folder.is_symlink():  # another image's: too large to copy, and not changed
            target.parent.mkdir(exist_ok=True)
            target.symlink_to(folder.resolve())
        else:
            shutil.copytree(folder, target, dirs_exist_ok=True)
    else:
        target.mkdir()
        shutil.copy(context / source, target)


def _run(script: str, stage: Path, python: Path) -> None:
    # Absolute paths of the image, not parts of relative ones.
    moved = re.sub(r"(?<![\w/.])/(?=\w)", f"{stage}/", script)
    moved = re.sub(r"(?<![\w/.])python3\.\d+\b", str(python), moved)
    done = subprocess.run(
        ["sh", "-c", moved],
        cwd=stage,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        umask=0o077,  # the Dockerfile itself must see to it that everyone may read
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
