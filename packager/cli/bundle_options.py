"""How commands name bundles, and the place in S3 that one goes to."""

from functools import partial
from pathlib import Path

import click

BUNDLE = click.Path(path_type=Path, file_okay=False, exists=True)
bundle_argument = click.argument("bundle", type=BUNDLE)
bucket_option = partial(click.option, "--bucket", envvar="PACKAGER_BUCKET", show_envvar=True)
prefix_option = partial(click.option, "--prefix", envvar="PACKAGER_PREFIX", show_envvar=True)
