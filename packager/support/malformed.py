"""What reading a damaged file raises, of formats whose readers raise more than one error."""

import lzma
import struct
import zipfile
import zlib

import yaml

COMPRESSION_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""Of gzip, bz2, lzma and zlib; `OSError` is what bz2 raises."""
ZIP_ERRORS = (
    *COMPRESSION_ERRORS,
    zipfile.BadZipFile,
    # One bit of a header is enough for: encrypted, a compression that is not known (a
    # NotImplementedError, which is a RuntimeError), a name that is not UTF-8, an offset before
    # the file.
    RuntimeError,
    ValueError,
    OverflowError,
    struct.error,
    KeyError,  # there is no such member
)
YAML_ERRORS = (
    yaml.YAMLError,
    # PyYAML's constructors let through what Python makes of the value: `2024-13-45` is no date,
    # `!!int ""` no number, `!!bool x` no key, `!!timestamp x` no match.
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    RecursionError,  # nested too deeply
)
"""Of `yaml.safe_load`; bytes that are not UTF-8 are a `ValueError`."""
