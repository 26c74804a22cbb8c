"""`packager serve` and `packager predict` as a user types them, and how they end."""

import http.client
import importlib
import json
import os
import pickle
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Example
from tests.support.commands import packager

ROWS = [[0.1, -0.2, 0.3, -0.4], [0.5, 0.6, -0.7, 0.8]]
COLUMNS = ["feature_0", "feature_1", "feature_2", "feature_3"]
REQUEST = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": ROWS}})


@contextmanager
def serving(example: Example, tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `packager serve` on a free port; its temporary files are in `tmp_path`."""
    command = ("packager", "serve", "-m", folder_of(example), "-p", "0", *options)
    with started(command, tmp_path) as server:
        yield server


@contextmanager
def started(command: tuple[str, ...], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield server
    finally:
        server.kill()
        server.communicate()


def first_line(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    return server.stdout.readline()


def port_of(line: str) -> int:
    assert line.startswith("Listening on http://127.0.0.1:"), line
    return int(line.split(",")[0].rpartition(":")[2])


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_mlflow_runs_a_deployment_on_this_machine(example: Example, tmp_path: Path) -> None:
    target = ("-t", "lambda", "--name", "my-rf", "-m", folder_of(example), "-f", "sklearn")
    command = ("mlflow", "deployments", "run-local", *target, "-C", "port=0", "-C", "timeout=30")
    with started(command, tmp_path) as server:
        port = port_of(first_line(server))
        assert status_of(port, "/ping") == 200
        server.send_signal(signal.SIGINT)
        server.wait(60)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_leaves_nothing(
    example: Example, tmp_path: Path, ending: signal.Signals
) -> None:
    with serving(example, tmp_path) as server:
        port = port_of(first_line(server))
        assert status_of(port, "/ping") == 200
        server.send_signal(ending)
        assert server.wait(60) == 130

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert list(tmp_path.iterdir()) == []


def test_the_printed_curl_line_gets_a_prediction(example: Example, tmp_path: Path) -> None:
    with serving(example, tmp_path, "--workers", "2") as server:
        port_of(first_line(server))
        command = first_line(server).removeprefix("Try: ")
        argv = shlex.split(command)
        assert argv[0] == "curl"
        body = argv[argv.index("-d") + 1]
        url = argv[1]
        answer = post(url, body)

    assert set(answer) == {"predictions"}
    assert len(answer["predictions"]) == len(json.loads(body)["dataframe_split"]["data"])


def post(url: str, body: str) -> dict[str, list[int]]:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("POST", f"/{path}", body, {"Content-Type": "application/json"})
        answer: dict[str, list[int]] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


def test_a_port_in_use_is_named(example: Example) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = packager("serve", "-m", folder_of(example), "-p", port)

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_cannot_be_loaded_ends_serve_with_the_cause(
    example: Example, tmp_path: Path
) -> None:
    broken = broken_model(example, tmp_path)
    done = packager("serve", "-m", broken, "-p", "0")

    assert done.returncode == 1
    assert "error: The model is not ready" in done.stderr
    assert "Listening" not in done.stdout


def test_h_is_the_host_as_in_mlflow() -> None:
    done = packager("serve", "--help")

    assert done.returncode == 0
    assert "-h, --host" in done.stdout
    assert "MLFLOW_HOST" in done.stdout


def test_predict_reads_stdin_and_prints_no_newline(example: Example) -> None:
    done = predict(example, REQUEST)

    assert done.returncode == 0, done.stderr
    assert done.stdout == '{"predictions": [0, 1]}'


def test_predict_takes_csv(example: Example, tmp_path: Path) -> None:
    rows = [",".join(COLUMNS), *(",".join(map(str, row)) for row in ROWS)]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    done = packager(
        *("predict", "-m", folder_of(example), "-t", "csv", "-i", tmp_path / "rows.csv"),
        *("-o", tmp_path / "out.json"),
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert (tmp_path / "out.json").read_text() == '{"predictions": [0, 1]}'


def test_input_that_the_model_refuses_is_an_error_and_leaves_the_old_output(
    example: Example, tmp_path: Path
) -> None:
    (tmp_path / "input.json").write_text('{"dataframe_split": {"columns": ["x"], "data": [[1]]}}')
    (tmp_path / "out.json").write_text("of last week")
    done = packager(
        *("predict", "-m", folder_of(example), "-i", tmp_path / "input.json"),
        *("-o", tmp_path / "out.json"),
    )

    assert done.returncode == 1
    assert "feature_0" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.json").read_text() == "of last week"


def test_a_model_that_cannot_be_loaded_ends_predict_with_the_cause(
    example: Example, tmp_path: Path
) -> None:
    done = packager(
        *("predict", "-m", broken_model(example, tmp_path)),
        *("-i", write(tmp_path / "input.json", REQUEST)),
    )

    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_local_names_the_package_that_the_model_lacks(example: Example, tmp_path: Path) -> None:
    folder = model_folder(example, tmp_path)
    append(folder / "requirements.txt", "\nno-such-package==1.0\n")
    # It may import anything, so every requirement counts.
    (folder / "model.skops").write_bytes(pickle.dumps(importlib.import_module))
    mlmodel = folder / "MLmodel"
    text = mlmodel.read_text().replace("format: skops", "format: cloudpickle")
    mlmodel.write_text(text)
    done = packager(
        *("predict", "-m", folder, "--env-manager", "local"),
        *("-i", write(tmp_path / "input.json", REQUEST)),
    )

    assert done.returncode == 1
    assert "no-such-package" in done.stderr
    assert "pip install" in done.stderr


def predict(example: Example, body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "packager", "predict", "-m", folder_of(example)],
        input=body,
        capture_output=True,
        text=True,
        check=False,
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def folder_of(example: Example) -> Path:
    """The model's own folder: opening it takes no MLflow, which other tests do."""
    root = example.training_python.parent.parent.parent
    return next(root.glob("mlruns/**/MLmodel")).parent


def model_folder(example: Example, tmp_path: Path) -> Path:
    """A copy of the example's model to spoil."""
    return shutil.copytree(folder_of(example), tmp_path / "model")


def broken_model(example: Example, tmp_path: Path) -> Path:
    folder = model_folder(example, tmp_path)
    (data,) = [path for path in folder.iterdir() if path.suffix in (".skops", ".pkl")]
    data.write_bytes(b"neither a zip nor a pickle")
    return folder


def test_a_model_with_code_of_its_own_predicts_with_it(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "doubling.py").write_text(
        "class Doubler:\n    def predict(self, data): return data * 2\n"
    )
    (tmp_path / "model.pkl").write_bytes(b"\x80\x02cdoubling\nDoubler\n)\x81.")
    (tmp_path / "MLmodel").write_text(
        "flavors:\n"
        "  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl, code: code}\n"
        "  sklearn: {serialization_format: pickle, pickled_model: model.pkl}\n"
    )
    (tmp_path / "in.json").write_text('{"inputs": [[1.5, 2]]}')
    done = packager("predict", "-m", tmp_path, "-i", tmp_path / "in.json", "--env-manager", "local")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predictions"] == [[3.0, 4.0]]


def test_an_output_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    done = packager(
        "predict", "-m", "no-such-model", "-i", __file__, "-o", tmp_path / "missing" / "out.json"
    )
    assert done.returncode == 2
    assert f"there is no folder {tmp_path / 'missing'}" in done.stderr
