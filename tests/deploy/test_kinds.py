"""Every kind of bundle and of API through `packager deploy`, and the question on a terminal."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from packager.bundle.folder import read_bundle
from packager.bundle.template import layer_name
from tests.deploy.aws import REGION
from tests.deploy.conftest import BUCKET, STACK, Account, Make


def stored(account: Account) -> set[str]:
    """Return the folders of the keys in the bucket."""
    found = account.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    return {item["Key"].split("/")[2] for item in found}


def function(account: Account) -> dict[str, Any]:
    name = account.aws.function_name(STACK)
    found: dict[str, Any] = account.client("lambda").get_function_configuration(FunctionName=name)
    return found


def test_a_layer_stays_the_same_until_its_content_is_another(
    account: Account, bundle: Make
) -> None:
    made, used = [], []
    for name, text in (("one", "x = 1"), ("two", "x = 1"), ("three", "x = 2")):
        done = account.deploy(bundle(name, layer={"python/library.py": text}))
        assert done.returncode == 0, done.stderr
        layers = account.client("lambda").list_layers()["Layers"]
        made.append({layer["LayerName"] for layer in layers})
        used.append(account.aws.published(STACK).function["Layers"])

    assert len(made[0]) == 1
    assert made[1] == made[0]
    assert made[2] - made[1]
    assert used[1] == used[0] != used[2]
    assert stored(account) == {"functions", "layers", "models"}
    assert account.aws.lived == ["1", "2", "3"]
    gone = account.packager("destroy", "--stack", STACK, "--yes")
    assert gone.returncode == 0, gone.stderr
    assert "to remove aws lambda delete-layer-version --layer-name " in gone.stdout


def test_a_layer_of_other_dependencies_is_not_taken(account: Account, bundle: Make) -> None:
    one = bundle("one", layer={"python/library.py": "x = 1"})
    arn = f"arn:aws:lambda:{REGION}:123456789012:layer"
    shared = f"{arn}:{layer_name(read_bundle(one).manifest)}:4"

    refused = account.deploy(one, "--parameter", f"LayerArn={arn}:another:4")
    assert refused.returncode == 2
    assert "is not the layer that the bundle was built with" in refused.stderr
    assert account.deploy(one, "--parameter", f"LayerArn={shared}").returncode == 0
    kept = account.deploy(bundle("two", layer={"python/library.py": "x = 1"}))
    assert kept.returncode == 0, kept.stderr
    assert account.parameters(STACK)["LayerArn"] == shared
    retrained = account.deploy(bundle("three", layer={"python/library.py": "x = 2"}))
    assert retrained.returncode == 0, retrained.stderr
    assert account.parameters(STACK)["LayerArn"] == ""


def test_a_model_in_the_zip_needs_no_place_of_its_own(account: Account, bundle: Make) -> None:
    done = account.deploy(bundle("one", model=None))

    assert done.returncode == 0, done.stderr
    assert account.aws.live(STACK) == "1"
    assert stored(account) == {"functions"}
    assert "Environment" not in function(account)
    assert not [name for name in account.parameters(STACK) if name.startswith("Model")]


@pytest.mark.parametrize(
    ("api", "auth", "call"),
    [
        ("HTTP", "AWS_IAM", "awscurl --service execute-api"),
        ("REST", "AWS_IAM", "awscurl --service execute-api"),
        ("REST", "API_KEY", "curl -H 'x-api-key: KEY'"),
        ("URL", "AWS_IAM", "awscurl --service lambda"),
        ("URL", "NONE", "curl -X POST"),
    ],
)
def test_every_api_gets_its_own_event_as_a_test_and_a_line_that_calls_it(
    account: Account, bundle: Make, api: str, auth: str, call: str
) -> None:
    # It answers only what is in the form of the API's own events.
    answer = f"{{'statusCode': 200 if ('httpMethod' in event) == {api == 'REST'} else 500}}"
    settings = ("--parameter", f"Api={api}", "--parameter", f"Auth={auth}")

    done = account.deploy(bundle("one", answer=answer), *settings)

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("call ")]
    assert line.removeprefix("call").strip().startswith(call)


def test_jwt_names_what_the_caller_must_send(account: Account, bundle: Make) -> None:
    settings = ("Auth=JWT", "JwtIssuer=https://issuer.example.org", "JwtAudience=me")
    words = [word for setting in settings for word in ("--parameter", setting)]

    done = account.deploy(bundle("one"), *words, "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["call"].startswith("curl -H 'authorization: Bearer TOKEN'")


@pytest.mark.parametrize(("answer", "is_deployed"), [("y", True), ("n", False)])
def test_on_a_terminal_it_shows_the_changes_and_asks(
    account: Account, bundle: Make, answer: str, is_deployed: bool
) -> None:
    ours, its = pty.openpty()
    command = ["deploy", bundle("one"), "--stack", STACK, "--bucket", BUCKET]
    with subprocess.Popen(
        [sys.executable, "-m", "packager", *command],
        env=os.environ | {"AWS_ENDPOINT_URL": account.url},
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # One for the function, and one for the API, which is made when the version has answered.
        os.write(ours, f"{answer}\n{answer}\n".encode())
        stdout, stderr = process.communicate(timeout=300)
    os.close(ours)
    os.close(its)

    assert "Add     ModelFunction AWS::Lambda::Function" in stderr
    assert "Make these changes? [y/N]" in stderr
    if is_deployed:
        assert process.returncode == 0, stderr
        assert account.aws.live(STACK) == "1"
        assert "live      version 1" in stdout
    else:
        assert process.returncode == 1
        assert "not approved: the change set is deleted, and nothing of it was done" in stderr
        shown = account.packager("status", "--stack", STACK)
        assert "there is no stack" in shown.stderr
