"""What other people deploy: the same libraries, in the same versions, around the same forest."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold.folders import linked_copy, lock, remove
from benchmarks.cold.work import WORK, say
from packager.aws.runtimes import Target
from packager.packages.bytecode import compile_bytecode
from packager.packages.trim import tree_size
from packager.support.uv import run_uv
from packager.support.zips import write_archive

_HANDLERS = Path(__file__).parent / "handlers"
_SKLEARN = ("fastapi", "mangum", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Peer:
    """A handler, and what it requires."""

    name: str
    handler: str
    """A module of `handlers/`."""
    requirements: tuple[str, ...]


MLFLOW = Peer(
    "mlflow",
    "mlflow_app",
    # The small one: mlflow itself has 632 MB, and Lambda takes 262.
    (*_SKLEARN, "mlflow-skinny==3.17.2", "skops", "cloudpickle"),
)
BLOG_POST = Peer("blog post", "blog_post", (*_SKLEARN, "joblib"))
FLOOR = Peer("floor", "floor", ("fastapi", "mangum", "numpy"))
BARE = Peer("bare", "bare", ())


@dataclass(frozen=True)
class Installed:
    """A peer's folders, read-only."""

    task_root: Path
    """With bytecode."""
    plain_task_root: Path
    """As `sam build` leaves it: without bytecode."""
    unzipped_bytes: int
    zipped_bytes: int
    plain_unzipped_bytes: int
    plain_zipped_bytes: int


def install(peer: Peer, pins: Sequence[str], target: Target) -> Installed:
    """Return the peer's folders; made again only when one of its parts has changed.

    :param pins: the versions to keep to, where the peer has the package.
    """
    source = _HANDLERS / f"{peer.handler}.py"
    parts = [*peer.requirements, *sorted(pins), *target.uv_args, source.read_text()]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    folder = WORK / "peers" / f"{peer.handler}-{digest}"
    facts = folder / "facts.json"
    if not facts.is_file():
        say(f"installing {peer.name} ({', '.join(peer.requirements) or 'nothing'})")
        facts.parent.mkdir(parents=True, exist_ok=True)
        facts.write_text(json.dumps(_make(peer, pins, target, folder)))
    compiled, plain = folder / "compiled", folder / "plain"
    return Installed(compiled, plain, **json.loads(facts.read_text()))


def _make(peer: Peer, pins: Sequence[str], target: Target, folder: Path) -> dict[str, int]:
    plain, compiled = folder / "plain", folder / "compiled"
    remove(plain)
    plain.mkdir(parents=True)
    if peer.requirements:
        limits = folder / "constraints.txt"
        limits.write_text("\n".join(pins) + "\n")
        args = ["pip", "install", "--target", str(plain), *target.uv_args]
        run_uv([*args, "--constraints", str(limits), *peer.requirements])
    shutil.rmtree(plain / "bin", ignore_errors=True)
    (plain / "app.py").write_text((_HANDLERS / f"{peer.handler}.py").read_text())
    linked_copy(plain, compiled)
    compile_bytecode(compiled, target, keep_sources=True)
    return {
        "unzipped_bytes": tree_size(lock(compiled)),
        "zipped_bytes": _zipped(compiled),
        "plain_unzipped_bytes": tree_size(lock(plain)),
        "plain_zipped_bytes": _zipped(plain),
    }


def _zipped(folder: Path) -> int:
    archive = folder.with_suffix(".zip")
    size_bytes = write_archive(folder, archive).size_bytes
    archive.unlink()
    return size_bytes
