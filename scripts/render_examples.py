"""Renew what is generated at the top of the tree: `template.yaml` and `events/`.

A test fails when they differ from what this script writes.
"""

from pathlib import Path

from handler.manifest import BundleManifest, FileEntry, ModelInfo, TargetInfo
from packager.bundle.sample_events import write_events
from packager.bundle.template import render_template
from packager.version import __version__

ROOT = Path(__file__).parent.parent
COLUMNS = ("feature_0", "feature_1", "feature_2", "feature_3")
ROWS = ((0.1, -0.2, 0.3, -0.4), (0.5, 0.6, -0.7, 0.8))


def example_manifest() -> BundleManifest:
    """Return a manifest like that of `examples/random_forest`, without its digests."""
    return BundleManifest(
        packager_version=__version__,
        target=TargetInfo("python3.11", "x86_64"),
        model=ModelInfo(
            flavor="sklearn",
            data_path="model.skops",
            serialization_format="skops",
            signature={
                "inputs": [{"type": "double", "name": name, "required": True} for name in COLUMNS],
                "outputs": [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}],
                "params": None,
            },
            input_example={
                "dataframe_split": {
                    "columns": list(COLUMNS),
                    "data": [list(row) for row in ROWS],
                }
            },
        ),
        model_source="s3",
        model_archive=FileEntry("model.zip", 0, "0" * 64),
    )


def render(folder: Path) -> None:
    """Write `template.yaml` and `events/` into this folder."""
    template = render_template(code_uri="dist/function.zip")
    (folder / "template.yaml").write_text(template, encoding="utf-8")
    for stale in (folder / "events").glob("*.json"):
        stale.unlink()
    write_events(example_manifest(), folder / "events")


if __name__ == "__main__":
    render(ROOT)
