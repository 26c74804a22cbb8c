"""The options by which several commands name a target."""

import click

architecture_option = click.option(
    "--architecture",
    type=click.Choice(["x86_64", "arm64"]),
    default="x86_64",
    show_default=True,
    help="Lambda's instruction set.",
)
