import zipfile
from pathlib import Path

from handler.requests.parquet import PARQUET_ARCHIVE
from packager.packages.parquet import pack_reader

NEEDED = {
    "pyarrow/__init__.pyc",
    "pyarrow/parquet/core.pyc",
    "pyarrow/lib.cpython-311-x86_64-linux-gnu.so",
    "pyarrow/_parquet.cpython-311-x86_64-linux-gnu.so",
    "pyarrow/libarrow.so.2000",
    "pyarrow/libarrow_python.so.2000",
    "pyarrow/libarrow_dataset.so.2000",
}
LEFT_OUT = {
    "pyarrow/include/arrow/api.hpp",
    "pyarrow/_dataset.cpython-311-x86_64-linux-gnu.so",
    "pyarrow/libarrow_flight.so.2000",
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.2000.0.0",
}


def test_the_packed_reader_holds_what_reading_parquet_needs(tmp_path: Path) -> None:
    staging = tmp_path / "staging"
    for name in (*NEEDED, *LEFT_OUT, "pyarrow-20.0.0.dist-info/LICENSE.txt", "pandas/x.pyc"):
        (staging / name).parent.mkdir(parents=True, exist_ok=True)
        (staging / name).write_bytes(b"12")

    packed = pack_reader(staging)

    assert {path.name for path in staging.iterdir()} == {
        "pandas",
        PARQUET_ARCHIVE,
        "pyarrow-20.0.0.dist-info",  # whoever passes the library on passes its licence on
    }
    with zipfile.ZipFile(staging / PARQUET_ARCHIVE) as archive:
        assert set(archive.namelist()) == NEEDED
    assert packed.size_bytes == (staging / PARQUET_ARCHIVE).stat().st_size
    assert packed.unpacked_bytes == 2 * len(NEEDED)
    assert [path.name for path in tmp_path.iterdir()] == ["staging"]
