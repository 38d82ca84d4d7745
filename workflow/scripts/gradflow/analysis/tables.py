"""Writing and reading the tables of `gradflow.analysis.schemas`: Parquet, which code reads, and CSV for people."""

from collections.abc import Iterable
from pathlib import Path
from types import NoneType
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gradflow.analysis.schemas import TABLES, Key
from gradflow.errors import GradflowError
from gradflow.files import atomic_write

TYPES = {
    str: pa.string(),
    Key: pa.dictionary(pa.int32(), pa.string()),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    np.int32: pa.int32(),
    np.float32: pa.float32(),
}
# How pandas holds a column in which values are absent.
NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def schema(name: str) -> pa.Schema:
    """Return the schema of a table. Numbers that may be NaN and values that may be absent are nullable."""
    return pa.schema([_field(column, kind) for column, kind in TABLES[name].columns.items()])


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write a table atomically into a folder: <name>.parquet, and <name>.csv for people unless it is large.

    Raises GradflowError if the frame lacks a column, has another, or a column holds what is not of its type.
    """
    path, wanted = Path(folder) / f"{name}.parquet", schema(name)
    fault = _fault_of_names(name, frame.columns)
    if fault:
        raise GradflowError(f"{path} was not written: the table {fault}.")
    table = pa.Table.from_arrays([_typed(path, frame[field.name], field) for field in wanted], schema=wanted)
    atomic_write(path, lambda stream: pq.write_table(table, stream))
    if not TABLES[name].large:
        write_csv(path.with_suffix(".csv"), _to_frame(table))


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table for people atomically, with all digits of its numbers."""
    atomic_write(Path(path), lambda stream: stream.write(frame.to_csv(index=False).encode()))


def read_table(
    folder: Path, name: str, columns: Iterable[str] | None = None, filters: list | None = None
) -> pd.DataFrame:
    """Return a table, or some of its columns and the rows that pass pyarrow's filters.

    Texts are texts, whatever they look like; a column in which values may be absent is of a nullable type of pandas.

    Raises GradflowError if there is none, or one that is damaged or was made by another version of gradflow.
    """
    path, wanted = Path(folder) / f"{name}.parquet", schema(name)
    if not path.exists():
        raise GradflowError(_say_missing(path, name))
    try:
        found = pq.read_schema(path)
        fault = _fault_of_names(name, found.names) or _fault_of_types(found, wanted)
        if fault:
            raise GradflowError(f"{path} {fault}: remove it and run snakemake to make it anew.")
        table = pq.read_table(path, columns=list(columns or wanted.names), filters=filters)
    except (pa.ArrowInvalid, OSError) as error:
        said = str(error).splitlines()[0]
        raise GradflowError(f"{path} is damaged ({said}): remove it and run snakemake to make it anew.") from error
    return _to_frame(table)


def empty_table(name: str) -> pd.DataFrame:
    """Return a table without rows, with the types of one that was read."""
    return _to_frame(schema(name).empty_table())


def files_of(name: str) -> tuple[str, ...]:
    """Return the files in which a table may lie: the one that is read, and those that are refused with what to do."""
    return (f"{name}.parquet", f"{name}.csv", *TABLES[name].earlier)


def _field(name: str, kind: type) -> pa.Field:
    kinds = set(get_args(kind) or (kind,))
    (base,) = kinds - {NoneType}
    return pa.field(name, TYPES[base], nullable=NoneType in kinds or base in (float, np.float32))


def _typed(path: Path, values: pd.Series, field: pa.Field) -> pa.Array:
    """A column as its type; there is no guessing: 1.5 is no integer, 0 no text and no truth."""
    plain, where = _plain(field.type), f"{path} was not written: its column {field.name!r}"
    try:
        array = pa.Array.from_pandas(values)
        for sort in (pa.types.is_string, pa.types.is_boolean):
            if array.null_count < len(array) and sort(array.type) != sort(plain):
                raise pa.ArrowInvalid(f"not {array.type}")
        array = array.cast(plain)
    except pa.ArrowException as error:
        raise GradflowError(f"{where} is {plain}: {str(error).splitlines()[0]}.") from error
    if array.null_count and not field.nullable:
        raise GradflowError(f"{where} lacks {array.null_count} of its values.")
    return array.cast(field.type)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values of a column."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _to_frame(table: pa.Table) -> pd.DataFrame:
    """A frame in which keys are plain text and columns with absent values keep their type."""

    def column(field: pa.Field) -> pd.Series:
        values = table[field.name].cast(_plain(field.type))
        return values.to_pandas(types_mapper=NULLABLE.get if field.nullable else None)

    return pd.DataFrame({field.name: column(field) for field in table.schema})


def _fault_of_names(name: str, found: Iterable[str]) -> str | None:
    """Say which column is missing or unknown, or is called otherwise now."""
    found, wanted = list(found), list(TABLES[name].columns)
    for earlier, now in TABLES[name].renamed.items():
        if earlier in found and now not in found:
            return f"has a column {earlier!r}, which is called {now!r} now"
    for column in wanted:
        if column not in found:
            return f"lacks the column {column!r}"
    unknown = [column for column in found if column not in wanted]
    return f"has a column {unknown[0]!r}, which this gradflow does not know" if unknown else None


def _fault_of_types(found: pa.Schema, wanted: pa.Schema) -> str | None:
    """Say which column is of another type."""
    for field in wanted:
        kind = found.field(field.name).type
        if kind != field.type:
            return f"has the column {field.name!r} as {kind}, not as {field.type}"
    return None


def _say_missing(path: Path, name: str) -> str:
    """Say that a table is not there, or that a file of an earlier version is."""
    earlier = next((other for other in TABLES[name].earlier if (path.parent / other).exists()), None)
    if earlier:
        return f"{path.parent / earlier} is called {path.name} now: remove it and run snakemake to make it anew."
    if path.with_suffix(".csv").exists():
        return f"{path} does not exist, only a CSV, which is for people: run snakemake to make the tables anew."
    return f"{path} does not exist: run snakemake to make the tables."
