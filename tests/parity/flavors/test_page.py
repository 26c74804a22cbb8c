"""docs/flavors.md is what was measured, row by row."""

from dataclasses import replace
from pathlib import Path

from tests.parity.flavors.page import PAGE, page_with_results, store, stored, table
from tests.parity.flavors.saver import all_rows


def test_the_page_has_what_is_stored() -> None:
    text = PAGE.read_text()
    assert text == page_with_results(text, list(stored(all_rows()))), "make flavors"


def test_every_row_has_been_run() -> None:
    run = {str(row) for row, _ in stored(all_rows())}
    assert {str(row) for row in all_rows()} == run, "make flavors"


def test_a_result_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    row, outcome = next(stored(all_rows()))
    other = replace(outcome, largest_difference=3e-7, package_type="image")
    store(row, other, tmp_path)

    assert list(stored([row], tmp_path)) == [(row, other)]
    line = table([(row, other)]).splitlines()[-1]
    assert "| image |" in line
    assert "| 3e-07 |" in line
