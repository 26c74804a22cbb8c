"""Run rows of the flavors one after the other, store what comes of them, write docs/flavors.md.

    python -m tests.parity.flavors [ROW ...] [--light] [--page]

ROW is a saver's name, or one of its variants as `sklearn/skops`; all of them without any. --page
runs none and writes the page from what is stored.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from packager.errors import PackagerError
from tests.parity.flavors.harness import run_row
from tests.parity.flavors.page import store, write_page
from tests.parity.flavors.saver import Row, all_rows


def main() -> None:
    """Parse the command line; the exit code is 1 when a row failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--light", action="store_true", help="none of the heavy savers")
    parser.add_argument("--page", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    rows = [] if options.page else chosen(options.rows, options.light)
    failed = [str(row) for row in rows if not run(row)]
    write_page()
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


def chosen(names: list[str], is_light: bool) -> list[Row]:
    """Return the rows that the command line asks for, in the page's order."""
    rows = all_rows()
    unknown = set(names) - {str(row) for row in rows} - {row.saver.name for row in rows}
    if unknown:
        sys.exit(f"no such row: {' '.join(sorted(unknown))}")
    return [
        row
        for row in rows
        if (not names or str(row) in names or row.saver.name in names)
        and not (is_light and row.saver.is_heavy)
    ]


def run(row: Row) -> bool:
    """Run a row, store what came of it and tell whether it is as it should be."""
    with tempfile.TemporaryDirectory(prefix="packager-flavors-") as name:
        try:
            outcome = run_row(row, Path(name))
        except (AssertionError, PackagerError, subprocess.TimeoutExpired) as error:
            sys.stderr.write(f"{row} FAILED\n{error}\n")
            return False
    store(row, outcome)
    sys.stderr.write(f"{row} {outcome.package_type} {outcome.init_duration_ms:.0f} ms\n")
    return True


if __name__ == "__main__":
    main()
