"""What GitHub runs is what anybody can run here, with no more rights than it needs."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.commands import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(request.param.read_text())
    return document


def named(name: str) -> dict[str, Any]:
    (path,) = [path for path in WORKFLOWS if path.stem == name]
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def test_jobs_call_only_make_targets_and_scripts_that_exist(workflow: dict[str, Any]) -> None:
    commands = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    targets = re.findall(r"^make ([\w -]+)", commands, re.MULTILINE)
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert {name for names in targets for name in names.split()} <= set(rules)
    for script in re.findall(r"(?:^| )(\.\w[\w/.-]*)", commands, re.MULTILINE):
        assert os.access(ROOT / script, os.X_OK), script


def test_the_default_suite_and_the_heavy_flavors_are_jobs_of_their_own() -> None:
    jobs = named("ci")["jobs"]
    runs = {name: [step.get("run") for step in job["steps"]] for name, job in jobs.items()}
    assert 'sudo env "PATH=$PATH" .ci/run' in runs["check"]
    assert "make test-flavors" in runs["flavors"]
    assert "make test-pythons" in runs["pythons"]


def test_actions_are_pinned_by_commit_and_see_no_credentials(workflow: dict[str, Any]) -> None:
    for step in steps(workflow):
        action = step.get("uses", "a/b@" + "0" * 40)
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), step
        if action.startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_ci_may_read_alone() -> None:
    workflow = named("ci")

    assert workflow["permissions"] == {"contents": "read"}
    assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]


def test_of_a_release_only_the_job_that_publishes_may_and_it_runs_no_code_of_ours() -> None:
    workflow = named("release")
    jobs = workflow["jobs"]

    assert workflow[True] == {"push": {"tags": ["v*"]}}  # what YAML 1.1 makes of `on`
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "build": {"contents": "read"},
        "install": {},
        "publish": {"id-token": "write", "attestations": "write"},
    }
    assert jobs["publish"]["environment"] == "pypi"
    assert jobs["publish"]["needs"] == ["build", "install"]
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]
    assert "cache" not in json.dumps(workflow)
