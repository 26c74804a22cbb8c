"""What the function would hand to the model, for rows that were generated or logged."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handler.manifest import EngineInfo, EngineName, InputKind, ModelInfo
from handler.requests.envelope import Envelope
from handler.requests.fast import FastReader
from handler.requests.fast_unsigned import UnsignedReader
from handler.requests.frames import frame_from_records, frame_from_split
from handler.signature.schema import (
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    STRING,
    ColumnSchema,
    Scalar,
    TensorSchema,
    parse_inputs,
)

from .builder import NotConvertible
from .learned import Learned
from .rows import Columns, Kind, as_array

_KINDS: dict[Scalar, Kind] = {
    DOUBLE: "float64",
    FLOAT: "float32",
    LONG: "int64",
    INTEGER: "int32",
    BOOLEAN: "bool",
    STRING: "string",
}
_RANK = 2
"""The rank of a tensor that holds rows of numbers."""
_ARRAYS_AMONG = 4
"""Without a signature, of so many blocks one is compared as an array too."""


@dataclass(frozen=True)
class Inputs:
    """What a model takes whose regular requests can be read without pandas.

    A signature says so, or the model itself.
    """

    columns: dict[str, Kind]
    """What each column holds, in order; those without names are numbered."""
    kind: InputKind
    """What an engine gets."""
    schema: ColumnSchema | TensorSchema | None
    """None: the model has no signature."""
    names: tuple[str, ...] | None = None
    """Without a signature, those that the model was fitted with, if it was."""
    engine: EngineName = "exact"
    """What gets the data."""

    @classmethod
    def of(cls, info: ModelInfo, learned: Learned | None = None) -> "Inputs":
        """Read a model's signature; without one, take what the model knows.

        :raises NotConvertible: it has other things than named columns of single values, or one
            tensor of rows; or it has no signature and says nothing of its input.
        """
        schema = parse_inputs((info.signature or {}).get("inputs"))
        if schema is None:
            return cls._of_model(learned)
        if isinstance(schema, TensorSchema):
            return cls._of_tensor(schema)
        types = [column.type for column in schema.columns]
        if not schema.is_named:
            raise NotConvertible("the signature has columns without names")
        scalars = [item for item in types if isinstance(item, Scalar)]
        if len(scalars) < len(types) or FastReader.for_schema(schema, "columns") is None:
            raise NotConvertible("the signature has columns of dates, bytes, lists or objects")
        kinds = [_KINDS[scalar] for scalar in scalars]
        return cls(dict(zip(schema.by_name, kinds, strict=True)), _input_kind(scalars), schema)

    @property
    def regular(self) -> dict[str, Any]:
        """What `EngineInfo` says of a regular request where there is no signature."""
        if self.schema is not None:
            return {}
        return {"width": len(self.columns), "names": self.names}

    @classmethod
    def _of_model(cls, learned: Learned | None) -> "Inputs":
        if learned is None:
            raise NotConvertible(
                "it has no signature, and the model says nothing of its input:"
                " log it with an input example"
            )
        if learned.is_text or learned.as_arrays is not None:
            raise NotConvertible("it has no signature, and takes no table")
        kinds = [one.kind for one in learned.features]
        names = learned.names or tuple(map(str, range(len(kinds))))
        if len(set(names)) < len(names):
            raise NotConvertible("it has two columns of one name")
        # What picks its columns by name sees each with its own dtype.
        is_array = learned.selects is None and not {"bool", "string"} & set(kinds)
        kind: InputKind = "array" if is_array else "columns"
        return cls(dict(zip(names, kinds, strict=True)), kind, None, learned.names)

    @property
    def optional(self) -> tuple[str, ...]:
        """The columns that a request may leave out."""
        if not isinstance(self.schema, ColumnSchema):
            return ()
        by_name = self.schema.by_name
        return tuple(name for name, column in by_name.items() if not column.required)

    @classmethod
    def _of_tensor(cls, schema: TensorSchema) -> "Inputs":
        tensor = schema.tensors[0]
        if len(schema.tensors) > 1 or tensor.name or len(tensor.shape) != _RANK:
            raise NotConvertible("the signature has several tensors, or one of another rank than 2")
        rows, columns = tensor.shape
        kind = next((kind for kind in _KINDS.values() if kind == tensor.dtype), None)
        if rows != -1 or columns < 1 or kind is None or kind == "string":
            raise NotConvertible("the signature's tensor is no table of numbers")
        return cls({str(index): kind for index in range(columns)}, "array", schema)

    def frames_and_data(self, blocks: Iterable[Columns]) -> Iterator[tuple[Any, Any]]:
        """Yield what the logged model and what an engine gets, for each block of columns.

        Blocks that no regular request can hold are left out.
        """
        if self.schema is None:
            yield from self._unsigned(blocks)
            return
        if isinstance(self.schema, TensorSchema):
            for block in blocks:
                table = as_array(block)
                yield table, table
            return
        framed = FastReader.for_schema(self.schema)
        fast = FastReader.for_schema(self.schema, self.kind)
        for block in blocks:
            envelope = _envelope(block)
            frame = framed and framed.read(envelope)
            data = fast and fast.read(envelope)
            if frame is not None and data is not None:
                yield frame, data

    def _unsigned(self, blocks: Iterable[Columns]) -> Iterator[tuple[Any, Any]]:
        engine = EngineInfo(self.engine, input_kind=self.kind, **self.regular)
        fast = UnsignedReader.for_engine(engine)
        for number, block in enumerate(blocks):
            envelope = _envelope(block)
            if self.names is None:
                del envelope.payload["columns"]
            frame = frame_from_split(envelope.payload, None)
            data = frame if fast is None else fast.read(envelope)
            if data is not None:
                yield frame, data
            if self.kind == "array" and number % _ARRAYS_AMONG == 0:
                table = np.array(envelope.payload["data"])  # as `inputs` and `instances` are read
                yield table, table

    def columns_of(self, envelope: Envelope) -> Columns | None:
        """Return a regular request's columns; None if it is not a regular one."""
        if self.schema is None:
            return self._columns_of_unsigned(envelope)
        if isinstance(self.schema, ColumnSchema):
            reader = FastReader.for_schema(self.schema, "columns")
            columns: Columns | None = reader.read(envelope) if reader else None
            return columns
        table = np.array(envelope.payload) if isinstance(envelope.payload, list) else None
        if table is None or table.ndim != _RANK or table.shape[1] != len(self.columns):
            return None
        kinds = zip(self.columns.items(), table.T, strict=True)
        return {name: values.astype(kind) for (name, kind), values in kinds}

    def _columns_of_unsigned(self, envelope: Envelope) -> Columns | None:
        readers = {"dataframe_split": frame_from_split, "dataframe_records": frame_from_records}
        if envelope.format in readers:
            frame = readers[envelope.format](envelope.payload, None)
            given = list(frame.columns)
            rows = frame.to_numpy().tolist()
        else:
            given, rows = None, envelope.payload
        if self.names is not None and given not in (None, list(self.names)):
            return None
        try:
            columns = zip(self.columns.items(), zip(*rows, strict=True), strict=True)
            return {
                name: np.array(cells, object if kind == "string" else kind)
                for (name, kind), cells in columns
            }
        except (TypeError, ValueError, OverflowError):
            return None


def _envelope(block: Columns) -> Envelope:
    rows = [list(row) for row in zip(*(column.tolist() for column in block.values()), strict=True)]
    return Envelope("dataframe_split", {"columns": list(block), "data": rows}, None)


def _input_kind(scalars: list[Scalar]) -> InputKind:
    if LONG in scalars and len(set(scalars)) > 1:
        return "columns"  # float64 would round integers beyond 2**53
    # One array has one dtype: what pandas would make of these columns together is an array of
    # Python objects if there are booleans or text among numbers.
    is_uniform = len(set(scalars)) == 1 and scalars[0] is not STRING
    are_numbers = not {BOOLEAN, STRING}.intersection(scalars)
    return "array" if is_uniform or are_numbers else "columns"
