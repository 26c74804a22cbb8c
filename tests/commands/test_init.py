"""`packager init`: what it writes is valid, pinned, and does what it says."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.workshop import Workshop
from tests.support.commands import ROOT, packager
from tests.support.wheels import make_wheel

BIN = Path(sys.executable).parent
URI = "models:/MyRandomForest/1"
COMMIT = "git+https://git.example.org/packager@" + "a1" * 20
ACTION = ROOT / "action.yml"
SCHEMAS = {
    "github": ("vendor.github-workflows",),
    "gitlab": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "action": ("vendor.github-actions",),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every kind of workflow, each with the file's path."""
    own = ROOT / ".github" / "workflows"
    files = {"action": ACTION, "own": own / "ci.yml", "release": own / "release.yml"}
    for name in ("github", "gitlab"):
        folder = tmp_path_factory.mktemp(name)
        done = packager("init", URI, "--ci", name, "--stack", "my-rf", "--json", cwd=folder)
        assert done.returncode == 0, done.stderr
        (workflow,) = [p for p in json.loads(done.stdout)["written"] if p.endswith(".yml")]
        files[name] = folder / workflow
    return files


def run(command: list[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def steps(path: Path, *jobs: str) -> list[dict[str, Any]]:
    document = yaml.safe_load(path.read_text())
    if "runs" in document:
        return list(document["runs"]["steps"])
    chosen = jobs or document["jobs"]
    return [step for name in chosen for step in document["jobs"][name]["steps"]]


@pytest.mark.parametrize("name", ["github", "gitlab", "action", "own", "release"])
def test_workflows_have_the_schema_of_who_runs_them(written: dict[str, Path], name: str) -> None:
    schema = SCHEMAS.get(name, SCHEMAS["github"])
    done = run([BIN / "check-jsonschema", "--builtin-schema", *schema, written[name]])

    assert done.returncode == 0, done.stdout


def test_an_auditor_of_workflows_finds_nothing(written: dict[str, Path]) -> None:
    workflows = [path for name, path in written.items() if name != "gitlab"]
    done = run([BIN / "zizmor", "--offline", "--no-progress", *workflows])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["github", "action", "own", "release"])
def test_actions_are_pinned_by_commit_and_no_script_is_put_together(
    written: dict[str, Path], name: str
) -> None:
    for step in steps(written[name]):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", "a/b@" + "0" * 40))
        assert "${{" not in step.get("run", "")


def test_what_runs_the_models_code_may_neither_deploy_nor_write(written: dict[str, Path]) -> None:
    document = yaml.safe_load(written["github"].read_text())
    jobs = document["jobs"]

    assert document["permissions"] == {}
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert jobs["deploy"]["permissions"] == {"id-token": "write"}
    for name, job in jobs.items():
        text = json.dumps(job)
        assert ("packager build" in text) is (name == "build")
        assert ("packager check" in text) is (name == "build")
        assert ("actions/checkout" in text) is (name == "build")
        assert ("aws-actions/" in text) is (name == "deploy")
        assert ("github.token" in text) is (name == "comment")


def test_on_gitlab_what_runs_the_models_code_has_no_token(written: dict[str, Path]) -> None:
    document = yaml.safe_load(written["gitlab"].read_text())
    jobs = {name: job for name, job in document.items() if "script" in job}

    assert set(jobs) == {"build", "comment", "deploy"}
    for name, job in jobs.items():
        text = json.dumps(job)
        assert ("packager build" in text) is (name == "build")
        assert ("id_tokens" in job) is (name == "deploy")
        assert ("NOTE_TOKEN" in text) is (name == "comment")
        assert (job.get("variables", {}).get("GIT_STRATEGY") == "none") is (name != "build")
    (rule,) = jobs["deploy"]["rules"]
    assert rule["if"] == "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"


def test_github_deploys_from_the_main_branch_alone(written: dict[str, Path]) -> None:
    condition = yaml.safe_load(written["github"].read_text())["jobs"]["deploy"]["if"]

    assert condition == "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'"


@pytest.mark.parametrize(
    ("model", "own"),
    [(URI, []), ("./models/rf", ["models/rf", "models/rf/**"]), ("no", ["no", "no/**"])],
)
def test_only_a_change_of_the_model_is_built(tmp_path: Path, model: str, own: list[str]) -> None:
    for ci in ("github", "gitlab"):
        done = packager("init", model, "--ci", ci, "--stack", "no", "--force", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    github = yaml.safe_load((tmp_path / ".github/workflows/packager.yml").read_text())
    gitlab = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())

    events = github[True]  # what YAML 1.1 makes of `on`
    for event in ("pull_request", "push"):
        assert events[event]["paths"] == ["model.uri", ".github/workflows/packager.yml", *own]
    for rule in gitlab["build"]["rules"] + gitlab["deploy"]["rules"]:
        below = [path.replace("/**", "/**/*") for path in own]
        assert rule["changes"] == ["model.uri", ".gitlab-ci.yml", *below]
    assert github["jobs"]["deploy"]["env"]["PACKAGER_STACK"] == "no"
    assert gitlab["deploy"]["environment"] == "no"


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        (
            {
                "url": "https://git.example.org/packager",
                "vcs_info": {"vcs": "git", "commit_id": "a1" * 20},
            },
            COMMIT,
        ),
        (
            {
                "url": "https://files.example.org/mlflow_lambda-0.1.0-py3-none-any.whl",
                "archive_info": {"hashes": {"sha256": "b2" * 32}},
            },
            f"https://files.example.org/mlflow_lambda-0.1.0-py3-none-any.whl#sha256={'b2' * 32}",
        ),
        ({"url": "file:///home/me/packager", "dir_info": {"editable": True}}, None),
        (None, None),
    ],
)
def test_jobs_install_this_packager_or_what_a_variable_pins(
    tmp_path: Path, origin: dict[str, Any] | None, url: str | None
) -> None:
    info = tmp_path / "site" / "mlflow_lambda-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mlflow-lambda\nVersion: 0.1.0\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))
    done = run(
        [sys.executable, "-m", "packager", "init", URI, "--ci", "github", "--stack", "my-rf"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
    )

    assert done.returncode == 0, done.stderr
    text = (tmp_path / ".github/workflows/packager.yml").read_text()
    variable = "${{ vars.PACKAGER_URL }}"
    assert yaml.safe_load(text)["env"]["PACKAGER_URL"] == (url or variable)
    assert ("PACKAGER_URL" in done.stdout) is (url is None)


@pytest.mark.parametrize("job", ["build", "deploy"])
def test_the_step_that_installs_takes_the_pinned_file_and_no_other(
    written: dict[str, Path], tmp_path: Path, job: str
) -> None:
    (step,) = [s for s in steps(written["github"], job) if s.get("name") == "Install packager"]
    wheel = make_wheel(
        tmp_path, "mlflow-lambda", "0.1.0", files={"packager_marker.py": "OURS = 1\n"}
    )
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def installed(name: str, url: str) -> subprocess.CompletedProcess[str]:
        outside = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(tmp_path / name),
            "GITHUB_PATH": str(tmp_path / "path"),
            "PACKAGER_URL": url,
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
        }
        (tmp_path / name).mkdir()
        return run(script(step), env=outside)

    good = installed("good", f"{wheel.as_uri()}#sha256={digest}")
    assert good.returncode == 0, good.stderr
    folder = (tmp_path / "path").read_text().strip()
    assert run([f"{folder}/python", "-c", "import packager_marker"]).returncode == 0
    wrong = installed("wrong", f"{wheel.as_uri()}#sha256={'0' * 64}")
    assert wrong.returncode != 0
    assert "hash" in wrong.stderr.lower()
    unset = installed("unset", "")
    assert unset.returncode != 0
    assert "is no variable" in unset.stderr


def test_a_second_kind_of_file_is_added_beside_the_same_model(tmp_path: Path) -> None:
    assert packager("init", URI, "--sam", cwd=tmp_path).returncode == 0

    added = packager("init", URI, "--ci", "github", "--stack", "my-rf", cwd=tmp_path)
    assert added.returncode == 0, added.stderr
    other = packager("init", "models:/Other/1", "--ci", "gitlab", "--stack", "s", cwd=tmp_path)
    assert other.returncode == 2
    assert "model.uri" in other.stderr
    assert not (tmp_path / ".gitlab-ci.yml").exists()


def test_what_is_there_is_kept_and_nothing_else_is_written(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("mine")

    done = packager("init", URI, "--ci", "gitlab", "--stack", "my-rf", "--sam", cwd=tmp_path)

    assert done.returncode == 2
    assert ".gitlab-ci.yml" in done.stderr
    assert "--force" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [".gitlab-ci.yml"]
    forced = packager(
        *("init", URI, "--ci", "gitlab", "--stack", "my-rf", "--force", "--bucket", "my-models"),
        *("--region", "eu-central-1", "--role-arn", "arn:aws:iam::123456789012:role/deploy"),
        *("--packager-url", COMMIT),
        cwd=tmp_path,
    )
    assert forced.returncode == 0, forced.stderr
    assert "next   commit\n" in forced.stdout
    assert "eu-central-1" in (tmp_path / ".gitlab-ci.yml").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "Say what to write"),
        (("--ci", "github"), "--ci needs --stack"),
        (("--ci", "github", "--stack", "my_rf"), "no name for a stack"),
        (("--ci", "github", "--stack", "s", "--bucket", "s3://x"), "no bucket name"),
        (("--ci", "github", "--stack", "s", "--region", "a: b"), "no region"),
        (("--ci", "github", "--stack", "s", "--role-arn", "deploy"), "no ARN of a role"),
        (
            ("--ci", "github", "--stack", "s", "--packager-url", "mlflow-lambda==0.1.0"),
            "no pinned URL",
        ),
        (("--sam", "--runtime", "python3.8"), "unknown runtime"),
    ],
)
def test_a_wrong_setting_is_refused(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    done = packager("init", URI, *options, cwd=tmp_path)

    assert done.returncode == 2
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def environment(workshop: Workshop) -> dict[str, str]:
    """Return what a runner gives to scripts, with an index of the workshop's alone."""
    temporary = workshop.folder / "runner"
    (temporary / "packager").mkdir(parents=True)
    (temporary / "packager" / "bin").symlink_to(BIN)
    return {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": str(temporary / "output"),
        "GITHUB_STEP_SUMMARY": str(temporary / "summary"),
        "GITHUB_WORKSPACE": str(workshop.folder / "repository"),
        "PACKAGER_CACHE": str(workshop.cache),
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(workshop.index),
        "UV_NO_CONFIG": "1",
    }


def script(step: dict[str, Any]) -> list[str | Path]:
    """Return the command with which GitHub runs a step: `shell: bash`."""
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]


def test_the_action_builds_checks_and_holds_to_limits(workshop: Workshop) -> None:
    given = {
        "model": str(workshop.model),
        "output": str(workshop.output),
        "architecture": "arm64",
        "build-options": "--no-check --with-sources",
    }
    inputs = yaml.safe_load(ACTION.read_text())["inputs"]
    values = {name: given.get(name, item.get("default", "")) for name, item in inputs.items()}
    _, build, check = steps(ACTION)

    def ran(step: dict[str, Any], **changed: str) -> subprocess.CompletedProcess[str]:
        variables = {
            name: values[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
            for name, expression in step["env"].items()
        }
        return run(script(step), env=outside | variables | changed)

    outside = environment(workshop)
    built = ran(build)
    assert built.returncode == 0, built.stderr
    outputs = dict(
        line.split("=", 1) for line in Path(outside["GITHUB_OUTPUT"]).read_text().splitlines()
    )
    assert (Path(outputs["bundle"]) / "function.zip").is_file()
    assert "unzipped_bytes" in json.loads(Path(outputs["report"]).read_text())
    passed = ran(check)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    refused = ran(check, MAX_UNZIPPED_MB="0.001")
    assert refused.returncode == 3
    assert "unzipped" in refused.stdout + refused.stderr


@pytest.mark.parametrize("ci", ["github", "gitlab"])
def test_a_change_of_the_model_is_compared_with_what_was_before(
    workshop: Workshop, ci: str
) -> None:
    repository = workshop.folder / "repository"
    repository.mkdir()
    outside = environment(workshop)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-C", str(repository)]
    (workshop.model / "MLmodel").rename(workshop.folder / "MLmodel")
    for number in ("one", "two"):
        model = repository / number
        model.mkdir()
        for path in (workshop.folder / "MLmodel", *workshop.model.iterdir()):
            (model / path.name).write_bytes(path.read_bytes())
    make_wheel(workshop.index, "extra", "1.0")
    (repository / "two" / "requirements.txt").write_text("extra\n")
    options = ("--ci", ci, "--stack", "my-rf", "--architecture", "arm64", "--force")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "models"]):
        assert run([*git, *command]).returncode == 0
    for number in ("one", "two"):
        done = packager("init", number, *options, cwd=repository)
        assert done.returncode == 0, done.stderr
        assert run([*git, "add", "."]).returncode == 0
        assert run([*git, "commit", "-qm", number]).returncode == 0

    commands = comparison(ci, repository)
    base = run([*git, "rev-parse", "HEAD^1"]).stdout.strip()
    for command in commands:
        done = run(command, cwd=repository, env=outside | request(base))
        assert done.returncode == 0, done.stdout + done.stderr

    is_github = ci == "github"
    place = Path(outside["RUNNER_TEMP"]) / "comment.md" if is_github else repository / "diff.txt"
    assert re.search(r"\+ extra +1\.0", place.read_text())
    assert "checks:" not in place.read_text(), "the one before is built without"


def request(base: str) -> dict[str, str]:
    """Return what GitLab says to a merge request's jobs."""
    source = "merge_request_event"
    return {"CI_PIPELINE_SOURCE": source, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}


def comparison(ci: str, repository: Path) -> list[list[str | Path]]:
    """Return the commands that build and compare, without those that measure or comment."""
    if ci == "github":
        job = steps(repository / ".github" / "workflows" / "packager.yml", "build")
        wanted = ("Build", "Compare with the model before")
        return [script(step) for step in job if step.get("name") in wanted]
    lines = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())["build"]["script"]
    wanted = [line for line in lines if not re.match("packager check|uvx|pip", line)]
    return [["bash", "-eo", "pipefail", "-c", line] for line in wanted]
