"""How commands name bundles, the place in S3 that one goes to, and how it runs here."""

from functools import partial
from pathlib import Path

import click

BUNDLE = click.Path(path_type=Path, file_okay=False, exists=True)
bundle_argument = click.argument("bundle", type=BUNDLE)
bucket_option = partial(click.option, "--bucket", envvar="PACKAGER_BUCKET", show_envvar=True)
prefix_option = partial(click.option, "--prefix", envvar="PACKAGER_PREFIX", show_envvar=True)
memory_option = click.option(
    "--memory",
    "memory_mib",
    type=click.IntRange(128, 10240),
    help="MiB that the function may take; more, and it is ended. Without it as in template.yaml.",
)
