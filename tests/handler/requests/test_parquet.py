import io
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from handler.config import HandlerConfig
from handler.errors import HandlerError, MalformedRequest, UnsupportedMediaType
from handler.requests.parquet import ParquetReader, parquet_reader


@pytest.fixture
def _no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "parquet.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("packed_reader_of_a_test.py", "")
    return path


def parquet(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


def test_pyarrow_is_used_where_it_is_installed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [0.5, 1.0], "b": ["x", "y"]}, index=["p", "q"])
    reader = ParquetReader(tmp_path / "none.zip", tmp_path)

    assert reader.is_available
    pd.testing.assert_frame_equal(reader.read(parquet(frame)), frame)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_no_reader")
def test_a_bundle_without_a_reader_says_how_to_get_one(tmp_path: Path) -> None:
    reader = ParquetReader(tmp_path / "none.zip", tmp_path)

    assert not reader.is_available
    with pytest.raises(UnsupportedMediaType, match="packager build --with-parquet"):
        reader.read(b"PAR1")


@pytest.mark.usefixtures("_no_reader")
def test_a_packed_reader_is_unpacked_by_the_first_request(archive: Path, tmp_path: Path) -> None:
    cache_dir = tmp_path / "cache"
    for _ in range(2):
        # pyarrow stays blocked in this test: what matters is what was unpacked, and where.
        with pytest.raises(HandlerError, match="cannot be loaded") as caught:
            ParquetReader(archive, cache_dir).read(b"PAR1")
        assert caught.value.status == 500

    (folder,) = (path for path in cache_dir.iterdir() if path.suffix != ".lock")
    assert [path.name for path in folder.iterdir()] == ["packed_reader_of_a_test.py"]
    assert str(folder) == sys.path[-1]


@pytest.mark.usefixtures("_no_reader")
def test_the_packed_reader_may_be_in_a_layer(archive: Path, tmp_path: Path) -> None:
    config = HandlerConfig(tmp_path / "task", cache_dir=tmp_path / "cache")
    assert not parquet_reader(config).is_available

    sys.path.append(str(archive.parent))  # as /opt/python is on Lambda

    assert parquet_reader(config).is_available


@pytest.mark.usefixtures("_no_reader")
def test_a_full_disk_is_not_the_clients_mistake(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")

    with pytest.raises(HandlerError, match="EphemeralStorage") as caught:
        ParquetReader(archive, tmp_path / "cache").read(b"PAR1")
    assert caught.value.status == 500


def test_a_body_that_is_not_parquet_is_refused_without_quoting_it() -> None:
    with pytest.raises(MalformedRequest) as caught:
        ParquetReader().read(b"PAR1 secret")
    assert "secret" not in caught.value.message
