"""The page of the recorded quantities: `python -m gradflow.analysis.quantities_page` prints docs/quantities.md."""

from inspect import cleandoc

import numpy as np

from gradflow.recorder import quantities
from gradflow.recorder.quantities import QUANTITIES, Quantity

HEAD = """# The quantities of a layer

{definitions}

A recording has a row a step and a column a layer of each ([recorder](recorder.md)); a run's file has them as arrays
([file format](file-format.md)), the table `norms` as columns ([tables](tables.md#norms)). This page is written by
`make reference` from `gradflow.recorder.quantities`; how to add one: [contributing](contributing.md).

| quantity | label in figures | where it is | at initialisation | drawn against depth and time |
|---|---|---|---|---|
"""
MEASURED = {"gradient": "∂L/∂z", "output": "z", "weight_gradient": "∂L/∂W"}


def quantities_page() -> str:
    """Return the page: what the quantities mean, in the registry's own words, and a row for each."""
    head = HEAD.format(definitions=cleandoc(quantities.__doc__ or "").split("\n\n", 1)[-1])
    return head + "".join(f"{_row_of(quantity)}\n" for quantity in QUANTITIES)


def _row_of(quantity: Quantity) -> str:
    if quantity.derive:
        where = f"derived wherever a result is read, from {', '.join(f'`{name}`' for name in _derived_from(quantity))}"
    elif quantity.measure:
        where = f"on request, by `record: [{quantity.name}]`: measured of {MEASURED[quantity.of]}"
    else:
        where = f"every result from format version {quantity.since} on"
    known, drawn = ("yes" if said else "no" for said in (quantity.at_init, quantity.profiled))
    return f"| `{quantity.name}` | {quantity.label} | {where} | {known} | {drawn} |"


def _derived_from(quantity: Quantity) -> list[str]:
    """Return the names of the quantities that a derived one asks for."""
    found = []

    class Asked(dict):
        def __missing__(self, name: str) -> np.ndarray:
            found.append(name)
            return np.ones((1, 1))

    quantity.derive(Asked())
    return found


if __name__ == "__main__":
    print(quantities_page(), end="")
