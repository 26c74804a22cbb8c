"""What Lambda lacks, by how code that counts on it fails: data."""

import re
from dataclasses import dataclass

from packager.checking.libraries import how_to_get
from packager.checking.report import Problem


@dataclass(frozen=True)
class _Lack:
    """One symptom, and what it means; `{1}` is the first group of the expression that matched."""

    symptom: re.Pattern[str]
    """In the function's log or its answer."""
    meaning: str
    advice: str
    """What to do; empty: it depends on the library in the first group."""


# The first that matches counts: what causes another one comes before it.
_LACKS = (
    _Lack(
        re.compile(r"Runtime\.OutOfMemory: memory used (\d+) of (\d+) MiB"),
        "it took more memory than the {2} MiB that are configured, {1} MiB when it was ended, as"
        " Lambda ends it",
        "Make the model or what it computes at a time smaller; or give it more: build with"
        " --no-check, check with `packager check BUNDLE --memory MIB` and deploy with --parameter"
        " MemorySize=MIB.",
    ),
    _Lack(
        re.compile(r"multiprocessing/synchronize|_multiprocessing\.SemLock|sem_open"),
        "Lambda has no /dev/shm and so no semaphores: the pools, queues and locks of"
        " multiprocessing do not work there",
        "Compute in one process or in threads: n_jobs=1, multiprocessing.pool.ThreadPool,"
        " concurrent.futures.ThreadPoolExecutor.",
    ),
    _Lack(
        re.compile(r"'/dev/shm[^']*'|multiprocessing/shared_memory|_posixshmem"),
        "Lambda has no /dev/shm and so no memory that processes share by name",
        "Keep it in the process's own memory, or in a file below /tmp.",
    ),
    _Lack(
        re.compile(r"(?:Read-only file system|Permission denied): '([^']+)'"),
        "only /tmp can be written on Lambda, not {1}",
        "Write below /tmp. A library's cache has a variable for its place, to be set in the"
        " function's environment.",
    ),
    _Lack(
        re.compile(r"No such file or directory: '(/home/[^']+)'"),
        "the user's home does not exist on Lambda, where only /tmp can be written ({1})",
        "Write below /tmp, or below $HOME, which is /tmp in the function.",
    ),
    _Lack(
        # Not TensorFlow's warnings of libraries that it does without: "dlerror: libcudart...".
        re.compile(r"(?<!dlerror: )\b(lib[\w.+-]*\.so[\w.]*): cannot open shared object file"),
        "{1} is neither on Lambda nor in the bundle, though it may be on this machine",
        "",
    ),
    _Lack(
        re.compile(r"No space left on device"),
        "its /tmp is full: Lambda gives it no more than configured",
        "Write less to /tmp, or raise EphemeralStorage in the template.",
    ),
    _Lack(
        re.compile(r"Too many open files"),
        "Lambda lets a function open 1,024 files at a time",
        "Close files and connections after use.",
    ),
    _Lack(
        re.compile(r"Network is unreachable|Temporary failure in name resolution"),
        "the check gives it no network but its S3, and a function in a private subnet has none",
        "Log what it downloads as an artifact of the model.",
    ),
)


def lack_behind(text: str) -> Problem | None:
    """Return what Lambda lacks, where that explains this log or message; None: it does not."""
    for lack in _LACKS:
        found = lack.symptom.search(text)
        if found:
            # Groups count from 1, as they do in the expression.
            groups = ("", *found.groups())
            advice = lack.advice or how_to_get(found[1])
            return Problem(lack.meaning.format(*groups), advice)
    return None
