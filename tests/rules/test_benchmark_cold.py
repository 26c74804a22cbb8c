"""The benchmark's arithmetic: goals, import times, the sections of its page."""

import xml.dom.minidom
from pathlib import Path
from typing import Any

from benchmarks.cold.aims import goals_table, reach
from benchmarks.cold.pictures import Bar, bars
from benchmarks.cold.waterfall import Import, largest, parse
from benchmarks.page import replace_section


def cold_start(seconds: float, size_bytes: int = 100) -> dict[str, Any]:
    figure = {"median": seconds}
    return {"wall_s": figure, "cpu_s": figure, "unzipped_bytes": size_bytes}


def test_a_goal_is_met_when_all_of_its_figures_are_within_the_aim() -> None:
    variants = {"mlflow": cold_start(8.0), "compiled": cold_start(0.9), "exact": cold_start(3.0)}
    variants["compiled"]["cpu_s"] = {"median": 1.1}  # more than an eighth
    variants["floor"] = cold_start(1.0)
    verdicts = {
        (row.goal.what, row.goal.aim): row.is_met for row in reach({"cold": {"variants": variants}})
    }
    assert verdicts["cold start, model as logged", 1 / 4] is False
    assert verdicts["cold start, compiled", 1 / 8] is False
    assert verdicts["cold start, compiled", 1.15] is True
    assert verdicts["unzipped size, compiled", 1 / 3] is False
    assert verdicts["warm, 1 row, compiled", 1 / 20] is None


def test_the_goals_are_listed_before_anything_is_measured() -> None:
    assert goals_table({}).count("not measured") == len(reach({}))


def test_an_import_starts_when_those_before_it_have_ended() -> None:
    text = (
        "import time:       100 |        100 | first\n"
        "import time:        50 |         50 |     inner\n"
        "import time:       200 |        250 |   outer\n"
        "import time:       400 |        650 | second\n"
    )
    assert parse(text) == [
        Import("first", 0, 0.0, 0.1),
        Import("second", 0, 0.1, 0.65),
        Import("outer", 1, 0.1, 0.25),
        Import("inner", 2, 0.1, 0.05),
    ]


def test_modules_that_only_import_another_are_not_shown() -> None:
    imports = [
        Import("entry", 0, 0.0, 100.0),
        Import("package", 1, 1.0, 90.0),
        Import("package.core", 2, 2.0, 88.0),
        Import("small", 3, 3.0, 1.0),
    ]
    assert [item.name for item in largest(imports, 2)] == ["entry", "package.core"]


def test_only_the_named_section_of_a_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- end -->\n<!-- two -->\nkept\n<!-- end -->\n")
    replace_section("one", "new", page)
    assert page.read_text() == (
        "a\n<!-- one -->\nnew\n<!-- end -->\n<!-- two -->\nkept\n<!-- end -->\n"
    )


def test_a_picture_is_a_document_whatever_its_labels_hold() -> None:
    picture = bars("a < b & c", [Bar("<&>", 1.0, "1 s", "ours"), Bar("zero", 0.0, "0 s", "peer")])
    assert xml.dom.minidom.parseString(picture).documentElement.tagName == "svg"
