"""A file on its way into S3: its parts, their checksums, and how much of it is there."""

import base64
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from handler.manifest import FileEntry
from packager.progress import Progress
from packager.storage.client import S3Client

MULTIPART_BYTES = 64 * 1024 * 1024
"""Files from this size on go up in parts, which S3 joins at the end or never."""
PART_BYTES = 16 * 1024 * 1024
"""A part that is interrupted is lost. S3 takes 10,000 of them: 160 GB, Lambda's /tmp has 10."""
ALGORITHM = "SHA256"
CONTENT_TYPE = "application/zip"
_PROGRESS_STEPS = 10


@dataclass(frozen=True)
class Part:
    """A piece of a large file, as S3 will describe it."""

    number: int
    """From 1, as S3 counts."""
    offset_bytes: int
    size_bytes: int
    sha256: bytes

    @property
    def checksum(self) -> str:
        """The digest as S3 writes it."""
        return base64.b64encode(self.sha256).decode()


@dataclass(frozen=True)
class Transfer:
    """One file and the place that it is for."""

    s3: S3Client
    path: Path
    entry: FileEntry
    bucket: str
    key: str
    progress: Progress
    parts: tuple[Part, ...]
    """Empty: the file is small and goes up whole."""

    @property
    def uri(self) -> str:
        """The place, for people."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def place(self) -> dict[str, str]:
        """The place, as S3's calls take it."""
        return {"Bucket": self.bucket, "Key": self.key}

    @property
    def metadata(self) -> dict[str, str]:
        """Our own note on the object: the digest of the whole, of which S3 knows the parts'."""
        return {"sha256": self.entry.sha256}

    def read(self, part: Part) -> bytes:
        """Return the bytes of one part."""
        with self.path.open("rb") as file:
            file.seek(part.offset_bytes)
            return file.read(part.size_bytes)


def parts_of(path: Path, entry: FileEntry) -> tuple[Part, ...]:
    """Return the parts in which the file goes up; none when it is small."""
    if entry.size_bytes < MULTIPART_BYTES:
        return ()
    parts: list[Part] = []
    with path.open("rb") as file:
        while content := file.read(PART_BYTES):
            digest = hashlib.sha256(content).digest()
            parts.append(Part(len(parts) + 1, len(parts) * PART_BYTES, len(content), digest))
    return tuple(parts)


class ByteCounter:
    """Reports the share that is sent, ten times at most; called from upload threads."""

    def __init__(self, total_bytes: int, progress: Progress, there_bytes: int = 0) -> None:
        self._total_bytes = max(total_bytes, 1)
        self._progress = progress
        self._sent_bytes = there_bytes
        self._last_step = self._step()
        self._lock = threading.Lock()

    def __call__(self, count_bytes: int) -> None:
        """Count bytes that have just been sent."""
        with self._lock:
            self._sent_bytes += count_bytes
            step = self._step()
            if step > self._last_step:
                self._last_step = step
                self._progress.detail(
                    f"{self._sent_bytes / 1e6:.1f} of {self._total_bytes / 1e6:.1f} MB sent"
                )

    def _step(self) -> int:
        return self._sent_bytes * _PROGRESS_STEPS // self._total_bytes
