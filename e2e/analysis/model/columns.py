"""Frames with declared columns: each has its dtype, empty or not, and a wrong value is named when the frame is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from types import NoneType
from typing import Any, TypeVar

import pandas as pd

from e2e.quick import quick

Columns = dict[str, str]
"""Column name -> pandas dtype; the nullable ones, so that "not there" is never a number or a text."""

_NATIVE: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "Int64": (int,),
    "Float64": (int, float),
    "boolean": (bool,),
}


class AnalysisError(ValueError):
    """Records that cannot be judged together, or that have a wrong or missing value."""


def build(name: str, columns: Columns, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The frame ``name`` from plain rows. A missing key is NA.

    Raises `AnalysisError` naming frame, row, column, value and dtype when a value is of another type.
    """
    values = {column: [row.get(column) for row in rows] for column in columns}
    for column, dtype in columns.items():
        _check(name, column, dtype, values[column])
    return _frame(columns, values)


def _frame(columns: Columns, values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    series = {column: pd.Series(values[column], dtype=dtype) for column, dtype in columns.items()}
    return pd.DataFrame(series, columns=list(columns))


def frame_of(name: str, columns: Columns, rows: Sequence[Row]) -> pd.DataFrame:
    """The frame ``name`` from typed rows, whose types are checked already."""
    values = {column: list(map(attrgetter(column), rows)) for column in columns}
    return validate(name, columns, _frame(columns, values))


def check_types(name: str, record: type[R], rows: Sequence[R]) -> Sequence[R]:
    """``rows`` themselves. Raises `AnalysisError` naming row, column, value and dtype when a value is of another type."""
    for column, dtype in columns_of(record).items():
        _check(name, column, dtype, list(map(attrgetter(column), rows)))
    return rows


def _check(name: str, column: str, dtype: str, values: Sequence[Any]) -> None:
    native = _NATIVE.get(dtype)
    if native is None or set(map(type, values)) <= {*native, NoneType}:
        return
    for number, value in enumerate(values):
        if value is None:
            continue
        # bool is an int to isinstance; a flag in a number's column is a mistake all the same
        if not isinstance(value, native) or (isinstance(value, bool) and dtype != "boolean"):
            raise AnalysisError(f"{name}[{number}].{column} is {value!r}, expected {dtype}")


def validate(name: str, columns: Columns, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` itself when it has exactly these columns and dtypes; raises `AnalysisError` otherwise."""
    found = {str(column): str(dtype) for column, dtype in frame.dtypes.items()}
    for column, dtype in columns.items():
        if column not in found:
            raise AnalysisError(f"{name} has no column {column}")
        if found[column] != dtype:
            raise AnalysisError(f"{name}.{column} has the dtype {found[column]}, expected {dtype}")
    for column in found:
        if column not in columns:
            raise AnalysisError(f"{name} has an undeclared column {column}")
    return frame


@quick
@dataclass(frozen=True, slots=True)
class Row:
    """A frame's row as a typed record: its fields are the frame's columns."""


R = TypeVar("R", bound=Row)
_DTYPES = {"str": "string", "int": "Int64", "float": "Float64", "bool": "boolean"}


def columns_of(record: type[Row]) -> Columns:
    """The columns of the frame whose rows are ``record``: one of dtype ``string`` for ``str`` and ``str | None``, and so on."""
    return {
        field.name: _DTYPES.get(str(field.type).removesuffix(" | None"), "object") for field in fields(record)
    }


def records(frame: pd.DataFrame, record: type[R]) -> list[R]:
    """The rows of ``frame`` as plain Python values, with ``None`` for NA. For all rows of a run's frame see `Run.every`."""
    return list(map(record, *(_plain(frame[field.name]) for field in fields(record))))


def _plain(series: pd.Series) -> list[Any]:
    values: list[Any] = series.tolist()
    return [None if value is pd.NA else value for value in values]
