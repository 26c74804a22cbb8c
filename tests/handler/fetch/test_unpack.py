"""The archive's files as they arrive: in one answer, in ranges, damaged, and too large."""

import hashlib
import io
import itertools
import random
import resource
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from handler.errors import ModelFetchError, ModelIntegrityError
from handler.fetch import parts, unpack
from handler.fetch.fetch import fetch_model
from handler.fetch.unpack import unpack as unpack_archive
from handler.s3 import object as s3
from packager.support.zips import frame_sha256, write_archive
from tests.handler.conftest import Bundle, entry, with_frame, zip_of
from tests.handler.s3.s3_asking import Serve
from tests.support.object_server import Exchange

MakeBundle = Callable[..., Bundle]
PART = 1 << 16


class InMemory:
    """A source whose bytes are at hand."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes: int | None = len(data)

    def read(self, start: int, stop: int | None) -> Iterator[memoryview]:
        for begin in range(start, len(self._data) if stop is None else stop, 7):
            yield memoryview(self._data)[begin : min(begin + 7, stop or len(self._data))]

    def close(self) -> None:
        pass


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def unpacked(archive: bytes, files: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    entries = tuple(entry(path, data) for path, data in files.items())
    unpack_archive(InMemory(archive), entry("model.zip", archive), entries, folder)
    return files_below(folder)


FILES = {"MLmodel": b"flavors: {}\n", "data/a b.pkl": b"weights" * 9, "z/é.txt": b"", "zz": b"z"}


def test_what_packager_writes_is_unpacked(tmp_path: Path) -> None:
    for path, data in FILES.items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    write_archive(tmp_path / "in", tmp_path / "model.zip", compress=False)
    archive = (tmp_path / "model.zip").read_bytes()
    assert unpacked(archive, FILES, tmp_path / "out") == FILES


def test_sizes_in_64_bits_are_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in FILES.items():
            with archive.open(path, "w", force_zip64=True) as file:
                file.write(data)
    assert unpacked(buffer.getvalue(), FILES, tmp_path / "out") == FILES


def test_a_size_in_64_bits_that_is_not_there_is_refused(tmp_path: Path) -> None:
    archive = bytearray(zip_of({"MLmodel": b"flavors: {}\n"}))
    archive[18:26] = b"\xff" * 8  # both sizes of the first header
    with pytest.raises(ModelIntegrityError, match=r"no readable zip file .*lacks a size"):
        unpacked(bytes(archive), {"MLmodel": b"flavors: {}\n"}, tmp_path / "out")


class Stream(io.BytesIO):
    """Nothing that was written can be changed: sizes go behind the files."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


@pytest.mark.parametrize(
    ("buffer", "method"),
    [(io.BytesIO(), zipfile.ZIP_DEFLATED), (Stream(), zipfile.ZIP_STORED)],
    ids=["compressed", "streamed"],
)
def test_another_kind_of_zip_is_refused(buffer: io.BytesIO, method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("MLmodel", b"flavors: {}\n" * 9)
    with pytest.raises(ModelIntegrityError, match=r"no readable zip file .*not stored as they are"):
        unpacked(buffer.getvalue(), {"MLmodel": b"flavors: {}\n" * 9}, tmp_path / "out")


@given(position=st.integers(0), value=st.integers(0, 255), cut=st.booleans())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None
)
def test_no_damage_gives_other_files(
    position: int, value: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = zip_of(FILES)
    at = position % len(whole)
    damaged = whole[:at] if cut else whole[:at] + bytes([value]) + whole[at + 1 :]
    folder = tmp_path_factory.mktemp("damaged") / "out"
    entries = tuple(entry(path, data) for path, data in FILES.items())
    try:
        unpack_archive(InMemory(damaged), entry("model.zip", damaged), entries, folder)
    except ModelIntegrityError:
        return
    assert files_below(folder) == FILES


def test_every_byte_of_an_archive_is_pinned(tmp_path: Path) -> None:
    whole = zip_of(FILES)
    (tmp_path / "model.zip").write_bytes(whole)
    pinned = frame_sha256(tmp_path / "model.zip", FILES)
    entries = tuple(entry(path, data) for path, data in FILES.items())
    archive = entry("model.zip", whole)
    for position in range(-1, len(whole)):
        changed = bytearray(whole)
        if position >= 0:
            changed[position] ^= 0x01
        folder = tmp_path / str(position)
        try:
            frame = unpack_archive(InMemory(bytes(changed)), archive, entries, folder)
        except ModelIntegrityError:
            frame = "refused"
        assert (frame == pinned) is (position == -1)


def test_the_frame_holds_what_nobody_wants(tmp_path: Path) -> None:
    wanted = {"MLmodel": FILES["MLmodel"], "zz": FILES["zz"]}
    entries = tuple(entry(path, data) for path, data in wanted.items())
    whole = zip_of(FILES)
    (tmp_path / "model.zip").write_bytes(whole)
    archive = entry("model.zip", whole)
    frame = unpack_archive(InMemory(whole), archive, entries, tmp_path / "out")
    assert frame == frame_sha256(tmp_path / "model.zip", wanted)
    assert frame != frame_sha256(tmp_path / "model.zip", FILES)


# From S3, in parts


def test_an_archive_whose_directory_was_changed_is_refused(
    make_bundle: MakeBundle, serve_bytes: Serve
) -> None:
    bundle = make_bundle()
    serve_bytes(bundle.archive[:-60] + bytes(60))
    with pytest.raises(ModelIntegrityError, match=r"s3://models/iris/model\.zip is not the one"):
        fetch_model(bundle.manifest, bundle.config)
    assert left_in_cache(bundle) == set()


@pytest.fixture
def large(make_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A model of many small parts, with files before, between and after the large ones."""
    monkeypatch.setattr(parts, "PART_BYTES", PART)
    monkeypatch.setattr(unpack, "PART_BYTES", PART)
    monkeypatch.setattr(unpack, "_WHOLE_BYTES", 2 * PART)
    monkeypatch.setattr(s3, "_PAUSE_S", 0.001)
    some = random.Random(3)
    return make_bundle(
        {
            "MLmodel": b"flavors: {}\n",
            "a.pkl": some.randbytes(20 * PART + 17),
            "b.txt": b"b" * 100,
            "c.pkl": some.randbytes(PART // 2),
            "d.pkl": some.randbytes(3 * PART),
            "e.pkl": some.randbytes(2 * PART - 1),
            "z.txt": b"z",
        }
    )


def left_in_cache(bundle: Bundle) -> set[str]:
    return {path.name for path in bundle.config.cache_dir.iterdir() if path.suffix != ".lock"}


def test_a_large_model_arrives_in_parts_and_is_the_same(large: Bundle, serve_bytes: Serve) -> None:
    server = serve_bytes(large.archive)
    assert files_below(fetch_model(large.manifest, large.config)) == large.files
    assert left_in_cache(large) == {hashlib.sha256(large.archive).hexdigest()}
    bounds = sorted(tuple(map(int, text[6:].split("-"))) for text in server.ranges)
    assert len(bounds) > 20
    assert max(end - begin for begin, end in bounds) < PART
    # No byte is fetched twice.
    assert all(one[1] < two[0] for one, two in itertools.pairwise(bounds))
    first, *others = server.requests
    assert "if-match" not in first
    assert {headers["if-match"] for headers in others} == {'"1"'}


def test_a_large_file_that_nobody_wants_is_not_written(
    large: Bundle, serve_bytes: Serve, tmp_path: Path
) -> None:
    kept = tuple(item for item in large.manifest.model.files if item.path != "a.pkl")
    wanted = {path: data for path, data in large.files.items() if path != "a.pkl"}
    manifest = replace(large.manifest, model=replace(large.manifest.model, files=kept))
    bundle = with_frame(replace(large, files=wanted, manifest=manifest), tmp_path)
    server = serve_bytes(large.archive)
    assert files_below(fetch_model(bundle.manifest, bundle.config)) == wanted
    assert "" not in server.ranges  # it was not read once more as a whole


def break_off_once(exchange: Exchange) -> None:
    begin, end = map(int, exchange.headers["Range"][6:].split("-"))
    exchange.serve(cut_bytes=PART // 3 if end - begin == PART - 1 else 0)


def test_parts_that_break_off_are_resumed(large: Bundle, serve_bytes: Serve) -> None:
    server = serve_bytes(large.archive, *[break_off_once] * 60)
    assert files_below(fetch_model(large.manifest, large.config)) == large.files
    assert len(server.requests) > 40


def test_a_model_that_is_replaced_between_two_parts_is_refused(
    large: Bundle, serve_bytes: Serve
) -> None:
    serve_bytes(large.archive, *[Exchange.serve] * 9, lambda exchange: exchange.serve(etag='"2"'))
    with pytest.raises(ModelFetchError, match="the object was replaced while it was read"):
        fetch_model(large.manifest, large.config)
    assert left_in_cache(large) == set()


def test_a_part_with_other_bytes_is_refused(large: Bundle, serve_bytes: Serve) -> None:
    def forge(exchange: Exchange) -> None:
        exchange.serve(data=bytes(len(large.archive)))

    serve_bytes(large.archive, *[Exchange.serve] * 9, forge)
    with pytest.raises(ModelIntegrityError, match=r"model file a\.pkl is not the one"):
        fetch_model(large.manifest, large.config)
    assert left_in_cache(large) == set()


def test_a_large_object_that_was_cut_is_refused(large: Bundle, serve_bytes: Serve) -> None:
    server = serve_bytes(large.archive[: -5 * PART])
    size = len(large.archive)
    with pytest.raises(ModelIntegrityError, match=rf"size {size} bytes, found {size - 5 * PART}"):
        fetch_model(large.manifest, large.config)
    assert len(server.requests) < 4  # seen from the first answer
    assert left_in_cache(large) == set()


def test_a_part_that_is_suddenly_not_there_is_refused(large: Bundle, serve_bytes: Serve) -> None:
    def end(exchange: Exchange) -> None:
        exchange.refuse(416, "InvalidRange")

    serve_bytes(large.archive, *[Exchange.serve] * 9, end)
    with pytest.raises(ModelIntegrityError, match="the model archive ends too early"):
        fetch_model(large.manifest, large.config)
    assert left_in_cache(large) == set()


def test_a_server_that_fails_for_good_ends_all_parts(large: Bundle, serve_bytes: Serve) -> None:
    def gone(exchange: Exchange) -> None:
        exchange.refuse(503, "SlowDown")

    serve_bytes(large.archive, *[Exchange.serve] * 5, *[gone] * 100)
    with pytest.raises(ModelFetchError, match="S3 answered SlowDown"):
        fetch_model(large.manifest, large.config)
    assert left_in_cache(large) == set()


def test_a_disk_that_fills_while_parts_arrive_is_named(large: Bundle, serve_bytes: Serve) -> None:
    serve_bytes(large.archive)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10 * PART, hard))
    try:
        with pytest.raises(ModelFetchError, match=r"no room for the model.*EphemeralStorage"):
            fetch_model(large.manifest, large.config)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_in_cache(large) == set()
