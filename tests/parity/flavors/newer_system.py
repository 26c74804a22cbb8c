"""`python -m tests.parity.flavors.newer_system`: packager with a runtime that Lambda does not have.

For the heavy savers whose wheels need Python 3.11 on glibc 2.34 (torch's CPU build, as this
machine can have it, is cp311 on manylinux_2_28): Lambda's python3.11 has glibc 2.26, and a build
for it rightly refuses them. Here, and only here, python3.11 runs on Amazon Linux 2023. All else is
packager's own: run it in the place of `packager` with the same arguments. What it built, the usual
`packager invoke` runs.

A saver asks for it with `NEEDS_NEWER_SYSTEM = True`.
"""

from dataclasses import replace

from packager.aws import runtimes as targets


def main() -> None:
    """Run the command line with the other table of runtimes."""
    targets.RUNTIMES = tuple(
        replace(runtime, system=targets.AMAZON_LINUX_2023, uv_platform="manylinux_2_34")
        if runtime.name == "python3.11"
        else runtime
        for runtime in targets.RUNTIMES
    )
    # Only now: what imports the table by its name shall get this one.
    from packager.cli.main import cli

    cli(prog_name="packager")


if __name__ == "__main__":
    main()
