"""`packager init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.api.settings import ARCHITECTURE
from packager.cli.output import Console, json_option, pass_console, write_atomically
from packager.cli.setting_options import model_argument, setting_options
from packager.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from packager.start.repository import Settings

_NEXT = {
    "github": "set the repository's variables {names}, and commit",
    "gitlab": "set the project's CI/CD variables {names}, and commit",
}


@click.command(
    epilog="""
    \b
    Examples:
      packager init models:/MyRandomForest/1 --sam
      sam build && sam local invoke --event dist/events/http-api-dataframe-split.json
    \b
      packager init models:/MyRandomForest/1 --ci github --stack my-rf
      packager init models:/MyRandomForest/1 --ci gitlab --stack my-rf --bucket my-models
    """
)
@model_argument
@click.option(
    "--sam", "has_sam", is_flag=True, help="Write template.yaml and what `sam build` runs."
)
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab"]),
    help="Write a workflow that builds, checks, compares and deploys.",
)
@click.option("--stack", "stack_name", help="Stack that the workflow deploys to; --ci needs it.")
@click.option("--bucket", help="Bucket for models and zips; default: a variable of the repository.")
@click.option("--region", help="Region of stack and bucket; default: a variable.")
@click.option("--role-arn", help="Role that the workflow takes by OIDC; default: a variable.")
@click.option(
    "--packager-url",
    help="What the workflow installs: git+https://HOST/PATH@COMMIT, or a wheel's URL with"
    " #sha256=DIGEST; default: what this packager was installed from, else a variable.",
)
@click.option("--runtime", default="python3.12", show_default=True, help="Lambda runtime.")
@setting_options((ARCHITECTURE,))
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default=True,
    help="Top folder of the repository.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@json_option
@pass_console
def command(
    console: Console,
    model: str,
    has_sam: bool,
    ci: str | None,
    stack_name: str | None,
    bucket: str | None,
    region: str | None,
    role_arn: str | None,
    packager_url: str | None,
    runtime: str,
    settings: dict[str, Any],
    directory: Path,
    force: bool,
) -> None:
    """Begin a repository that deploys MODEL: a SAM project, a workflow, or both.

    MODEL goes into the file model.uri, which all else reads: another model is a change of that
    line. A local path is taken from the repository's top folder.
    """
    from packager.aws.runtimes import find_target
    from packager.start.repository import (
        Settings,
        installed_from,
        model_file,
        sam_project,
        workflow,
    )

    if not has_sam and ci is None:
        raise click.UsageError("Say what to write: --sam, --ci github or --ci gitlab.")
    if ci is not None and stack_name is None:
        raise click.UsageError("--ci needs --stack.")
    target = find_target(runtime, settings["architecture"])
    if ci is not None and packager_url is None:
        packager_url = installed_from()
    chosen = Settings(bucket, region, role_arn, packager_url)
    files = model_file(model)
    if has_sam:
        files |= sam_project(target)
    if ci is not None and stack_name is not None:
        files |= workflow(ci, target, stack_name, model, chosen)
    written = {directory / name: text for name, text in files.items()}
    _write(written, is_forced=force)
    steps = _next_steps(has_sam, ci, chosen)
    console.show(
        {"written": [str(path) for path in written], "next": steps},
        [*(f"wrote  {path}" for path in written), *(f"next   {step}" for step in steps)],
    )


def _write(files: Mapping[Path, str], *, is_forced: bool) -> None:
    there = [str(path) for path, text in files.items() if path.exists() and not _holds(path, text)]
    if there and not is_forced:
        raise ConfigError(f"there is already {', '.join(there)}", hint="--force replaces it.")
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}") from error
        write_atomically(path, text.encode())


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _next_steps(has_sam: bool, ci: str | None, settings: Settings) -> list[str]:
    from packager.start.repository import variables

    steps = []
    if has_sam:
        event = "dist/events/http-api-dataframe-split.json"
        steps.append(f"sam build && sam local invoke --event {event} && sam deploy --guided")
    if ci is not None:
        names = ", ".join(variables(ci, settings))
        steps.append(_NEXT[ci].format(names=names) if names else "commit")
    return steps
