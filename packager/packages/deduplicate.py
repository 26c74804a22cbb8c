"""Keep shared libraries that several wheels brought along only once.

auditwheel puts copies of the same library into numpy.libs, scipy.libs and others, under a name
that holds a hash of the content.
"""

import hashlib
from collections import defaultdict
from pathlib import Path

from packager.packages.linking import LIBRARY_FOLDER


def share_duplicates(staging: Path) -> int:
    """Move each library that lies in several `*.libs` folders to `lib/`; return bytes saved.

    Lambda's loader looks there (LD_LIBRARY_PATH) for what it does not find beside the module.
    """
    copies = defaultdict(list)
    for path in sorted(staging.glob("*.libs/*.so*")):
        copies[path.name, hashlib.sha256(path.read_bytes()).digest()].append(path)
    saved_bytes = 0
    for (name, _), paths in copies.items():
        shared = staging / LIBRARY_FOLDER / name
        if len(paths) < 2 or shared.exists():
            continue
        shared.parent.mkdir(exist_ok=True)
        paths[0].rename(shared)
        for path in paths[1:]:
            saved_bytes += path.stat().st_size
            path.unlink()
    return saved_bytes
