"""A stand-in for Lambda's python3.11 image, of this machine's own Python: no registry is asked.

It differs from Lambda's in its C library, its user and its writable file system; what these
forbid is the check's and the emulator's to find.
"""

import re
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from tests.machines.sam.engine import Engine

TAG = "public.ecr.aws/lambda/python:3.11-x86_64"
"""The name that SAM asks for."""
_PYTHON = "python3.11"
_LEFT_OUT = {"site-packages", "dist-packages", "test", "idlelib", "ensurepip", "tkinter"}
# SAM's own layer on top needs the first three; our bootstrap needs the shell alone.
_TOOLS = ("dash", "mv", "chmod", "cp", "rm", "mkdir", "cat", "env")
_LIBRARY = re.compile(r"(?:=>\s*)?(/\S+) \(0x")
_BOOTSTRAP = f"""#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_{_PYTHON}
exec /var/lang/bin/{_PYTHON} -m awslambdaric "${{_HANDLER:-$AWS_LAMBDA_FUNCTION_HANDLER}}"
"""
_SETTINGS = (
    "ENV PATH=/var/lang/bin:/usr/bin",
    "ENV LD_LIBRARY_PATH=/var/lang/lib:/libs:/var/task/lib:/opt/lib",
    "ENV LANG=en_US.UTF-8",
    "ENV TZ=:UTC",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "ENV PYTHONPATH=/var/runtime",
    "WORKDIR /var/task",
    'ENTRYPOINT ["/var/runtime/bootstrap"]',
)


def make_image(engine: Engine, folder: Path) -> None:
    """Put the image into the engine."""
    _fill(folder)
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, arcname=".", filter=_of_root)
    changes = [part for setting in _SETTINGS for part in ("--change", setting)]
    engine.docker("import", *changes, "-", TAG, stdin=buffer.getvalue())


def _fill(root: Path) -> None:
    for name in ("var/task", "var/runtime", "opt", "tmp", "usr/bin", "libs", "lib64", "etc"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "bin").symlink_to("usr/bin")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "nsswitch.conf").write_text("hosts: files dns\n")
    _copy_python(root / "var" / "lang")
    for tool in _TOOLS:
        path = shutil.which(tool)
        assert path is not None, tool
        shutil.copy(Path(path).resolve(), root / "usr" / "bin" / tool)
    (root / "usr" / "bin" / "sh").symlink_to("dash")
    bootstrap = root / "var" / "runtime" / "bootstrap"
    bootstrap.write_text(_BOOTSTRAP)
    bootstrap.chmod(0o755)
    uv = Path(sys.executable).with_name("uv")
    runtime = root / "var" / "runtime"
    install = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", runtime]
    subprocess.run([*install, "awslambdaric", "boto3"], check=True)
    _copy_libraries(root)


def _copy_python(to: Path) -> None:
    prefix = Path(sys.base_prefix)
    assert (prefix / "bin" / _PYTHON).exists(), f"{_PYTHON} is needed, found {sys.version}"
    (to / "bin").mkdir(parents=True)
    shutil.copy((prefix / "bin" / _PYTHON).resolve(), to / "bin" / _PYTHON)
    shutil.copytree(
        prefix / "lib" / _PYTHON,
        to / "lib" / _PYTHON,
        ignore=lambda _, names: _LEFT_OUT.intersection(names),
        symlinks=False,
        ignore_dangling_symlinks=True,
    )
    for library in (prefix / "lib").glob("libpython3*.so*"):
        shutil.copy(library, to / "lib")


def _copy_libraries(root: Path) -> None:
    """Copy what the interpreter, its modules and the tools are linked with, and the loader."""
    programs = [
        *(root / "usr" / "bin").glob("[!s]*"),
        *(root / "var" / "lang" / "bin").iterdir(),
        *(root / "var").rglob("*.so*"),
    ]
    done = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False)
    libraries = {Path(path) for path in _LIBRARY.findall(done.stdout)}
    for name in ("libstdc++.so.6", "libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"):
        libraries |= {
            Path(f"/usr/lib/x86_64-linux-gnu/{name}"),
            Path(f"/lib/x86_64-linux-gnu/{name}"),
        }
    for library in libraries:
        if library.exists() and not library.name.startswith("libpython"):
            shutil.copy(library, root / "libs" / library.name)
    shutil.copy("/lib64/ld-linux-x86-64.so.2", root / "lib64")


def _of_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    return info
