"""The whole way, for real: train, register, build, publish, invoke on the Lambda runtime.

Run by `make demo`. Every step is the command that a user would type; it is printed first.
"""

from pathlib import Path

from prepare import MODEL, ROOT, TRACKING_URI, WORK, make_training_environment, run, train

from packager.cli.output import Console
from packager.local.storage import embedded_environment, embedded_s3

DIST = ROOT / "dist"
EVENT = "events/http-api-dataframe-split.json"


def main() -> None:
    """Run the demo; it ends with the exit code of the first command that failed."""
    console = Console()
    WORK.mkdir(exist_ok=True)
    environment = {"MLFLOW_TRACKING_URI": TRACKING_URI}
    console.step("1/5 Training environment, with the model's own libraries")
    python = make_training_environment()
    console.step("2/5 Train and log with MLflow")
    train(python)
    console.step("3/5 Build")
    run("packager", "build", MODEL, "--output", "dist/", environment=environment)
    with embedded_s3() as endpoint:
        environment |= embedded_environment(endpoint) | {"PACKAGER_BUCKET": "demo-models"}
        console.step(f"4/5 Publish to an embedded S3 at {endpoint}")
        run("packager", "publish", "dist/", "--create-bucket", environment=environment)
        console.step("5/5 Invoke on the real Lambda runtime, the model fetched from S3")
        run("packager", "invoke", "dist/", "--event", EVENT, environment=environment)
    print(summary())


def summary() -> str:
    """Return what was made and what to type next."""
    made = [f"  {size_of(path):>12,} B  dist/{path.name}" for path in sorted(DIST.iterdir())]
    tracking_uri = TRACKING_URI.replace(str(ROOT), "$PWD")
    return "\n".join(
        [
            "",
            "Made:",
            *made,
            "",
            "Next:",
            f"  export PATH=$PWD/.venv/bin:$PATH MLFLOW_TRACKING_URI={tracking_uri}",
            f"  packager serve -m {MODEL} -p 5000            # the same API on this machine",
            "  packager publish dist/ --bucket YOUR-BUCKET  # prints the whole sam deploy line",
            f"  sam local invoke --template dist/template.yaml --event {EVENT} \\",
            "    --parameter-overrides ModelBucket=YOUR-BUCKET",
            "  sam deploy --guided --template-file dist/template.yaml",
        ]
    )


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    main()
