"""Entry point of the `packager` command and of `python -m packager`."""

from packager.cli.main import cli


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
