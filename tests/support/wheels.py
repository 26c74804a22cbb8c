"""Real wheels, tiny, made by the tests: what uv resolves and installs without a network."""

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    files: Mapping[str, str | bytes] | None = None,
    tag: str = "py3-none-any",
    fields: Sequence[str] = (),
) -> Path:
    """Write a wheel (PEP 427) into `folder` and return its path.

    :param fields: more lines for its METADATA, as `License-Expression: MIT`.
    """
    module = name.replace("-", "_")
    contents = dict(files or {f"{module}/__init__.py": f"VERSION = {version!r}\n"})
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    metadata += "".join(f"{line}\n" for line in fields)
    contents[f"{info}/METADATA"] = metadata
    contents[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    )
    record = "".join(f"{path},{_digest(text)},{len(text)}\n" for path, text in contents.items())
    contents[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return wheel


def make_sdist(folder: Path, name: str, version: str) -> Path:
    """Write a source distribution (PEP 517) that nothing should ever build."""
    base = f"{name.replace('-', '_')}-{version}"
    metadata = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{base}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in (
            ("PKG-INFO", metadata),
            ("pyproject.toml", "[build-system]\nrequires = []\nbuild-backend = 'none'\n"),
        ):
            member = tarfile.TarInfo(f"{base}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def _digest(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    digest = hashlib.sha256(data).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
