"""Tables keep their types: what is written comes back, and what is of another type or name is refused."""

from types import NoneType
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow import GradflowError
from gradflow.analysis.schemas import TABLES, Key
from gradflow.analysis.tables import TYPES, empty_table, read_table, schema, write_table

WHOLE = st.integers(-(2**31), 2**31 - 1)
VALUES = {
    str: st.text(st.characters(codec="utf-8"), max_size=3) | st.sampled_from(["0", "1.0", "True", "nan", "None", ""]),
    int: WHOLE | st.integers(-(2**63), 2**63 - 1),
    float: st.floats(),
    bool: st.booleans(),
    np.int32: WHOLE,
    np.float32: st.floats(width=32),
}


def values_of(kind):
    """What a column of a type may hold; None where values may be absent."""
    base = next(one for one in get_args(kind) or (kind,) if one is not NoneType)
    return VALUES[str if base is Key else base] | (st.none() if NoneType in get_args(kind) else st.nothing())


def rows_of(name):
    row = st.fixed_dictionaries({key: values_of(kind) for key, kind in TABLES[name].columns.items()})
    return st.lists(row, max_size=3)


def as_python(frame):
    """The rows of a frame as Python's own values; what is absent, and NaN, is None."""
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in frame.to_dict("records")]


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=30)
@given(data=st.data())
def test_every_table_comes_back_as_it_was_written_types_included(name, data, tmp_path_factory):
    folder, rows = tmp_path_factory.getbasetemp() / "types", data.draw(rows_of(name))
    write_table(folder, name, pd.DataFrame(rows, columns=list(TABLES[name].columns), dtype=object))
    back = read_table(folder, name)
    assert as_python(back) == as_python(pd.DataFrame(rows, columns=list(TABLES[name].columns), dtype=object))
    assert (back.dtypes == empty_table(name).dtypes).all()
    assert pq.read_schema(folder / f"{name}.parquet").equals(schema(name))
    assert (folder / f"{name}.csv").exists() != TABLES[name].large
    write_table(folder, name, back)
    pd.testing.assert_frame_equal(read_table(folder, name), back)


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=30)
@given(data=st.data())
def test_a_table_with_a_column_dropped_renamed_or_of_another_type_is_refused(name, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "wrong" / f"{name}.parquet"
    path.parent.mkdir(exist_ok=True)
    fields = list(schema(name))
    number = data.draw(st.integers(0, len(fields) - 1))
    chosen = fields.pop(number)
    fault = data.draw(st.sampled_from(["dropped", "renamed", "retyped", "added"]))
    words = f"lacks the column '{chosen.name}'"
    if fault == "renamed":
        fields.insert(number, chosen.with_name("of_another_name"))
    elif fault == "retyped":
        kind = data.draw(st.sampled_from([kind for kind in TYPES.values() if kind != chosen.type]))
        fields.insert(number, chosen.with_type(kind))
        words = f"has the column '{chosen.name}' as {kind}, not as {chosen.type}"
    elif fault == "added":
        fields += [chosen, chosen.with_name("of_another_name")]
        words = "has a column 'of_another_name', which this gradflow does not know"
    pq.write_table(pa.schema(fields).empty_table(), path)
    with pytest.raises(GradflowError) as caught:
        read_table(path.parent, name)
    assert str(caught.value) == f"{path} {words}: remove it and run snakemake to make it anew."


@pytest.mark.parametrize(("name", "earlier", "now"), [("profiles", "moment", "phase"), ("claims", "seeds", "n")])
def test_a_column_of_an_earlier_version_is_refused_with_its_new_name(tmp_path, name, earlier, now):
    fields = [field.with_name(earlier) if field.name == now else field for field in schema(name)]
    pq.write_table(pa.schema(fields).empty_table(), tmp_path / f"{name}.parquet")
    with pytest.raises(
        GradflowError, match=f"has a column '{earlier}', which is called '{now}' now: remove it and run"
    ):
        read_table(tmp_path, name)


def test_a_damaged_table_is_named(tmp_path):
    (tmp_path / "runs.parquet").write_bytes(b"PAR1 broken")
    with pytest.raises(GradflowError, match=r"runs\.parquet is damaged \(.*\): remove it and run snakemake"):
        read_table(tmp_path, "runs")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"skip": [1, 0]}, "its column 'skip' is bool: not int64"),
        ({"depth": [1, 2.5]}, "its column 'depth' is int64: Float value 2.5"),
        ({"depth": ["1", "2"]}, "its column 'depth' is int64: not string"),
        ({"depth": [1, None]}, "its column 'depth' lacks 1 of its values"),
        ({"decades": ["low", 1.0]}, "its column 'decades' is double"),
        ({"decade": 1}, "the table has a column 'decade', which this gradflow does not know"),
    ],
)
def test_what_a_column_cannot_hold_is_not_written(tmp_path, change, words):
    row = dict.fromkeys(TABLES["depth_at_init"].columns, 1) | {"skip": True, "batch_norm": False}
    with pytest.raises(GradflowError, match=rf"depth_at_init\.parquet was not written: {words}"):
        write_table(tmp_path, "depth_at_init", pd.DataFrame([row, row]).assign(**change))
    assert not list(tmp_path.iterdir())


def test_a_column_without_any_value_is_of_its_type_all_the_same(tmp_path):
    row = dict.fromkeys(TABLES["cost"].columns, 1.0)
    row |= dict.fromkeys(("network", "architecture", "optimizer", "device"), "a")
    absent = [name for name, kind in TABLES["cost"].columns.items() if NoneType in get_args(kind)]
    for nothing in (None, np.nan, pd.NA):
        frame = pd.DataFrame([{key: row[key] for key in TABLES["cost"].columns} | dict.fromkeys(absent, nothing)])
        write_table(tmp_path, "cost", frame)
        back = read_table(tmp_path, "cost")
        assert back[absent].isna().all(axis=None) and (back.dtypes == empty_table("cost").dtypes).all()
