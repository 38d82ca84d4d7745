"""A table of labels beside images: a CSV with the columns file, label and, if there are ready splits, split.

The first line names the columns, in any order; others are not read. A file is named by its path from the table's own
folder or, if no other image is called so, by its name alone. Columns are parted by commas, semicolons or tabs; the text
is UTF-8. A split is called as a folder of one may be.
"""

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence

from gradflow.data.members import Member
from gradflow.data.splits import split_named
from gradflow.errors import GradflowError

USUAL = "labels.csv"
COLUMNS = ("file", "label", "split")


def found_table(others: Sequence[Member], asked: str | None, below: int, folders: Iterable[str]) -> Member | None:
    """Return the table: the one that is asked for, or a labels.csv at the top of images in no class folders.

    below: how many folders wrap the others. folders: those that hold images.
    Raises GradflowError if the one that is asked for is not there, or class folders would say something else.
    """
    if asked:
        named = [file for file in others if file.name == asked]
        named = named or [file for file in others if posixpath.basename(file.name) == asked]
        if len(named) != 1:
            what = "more than one is called so" if named else "it is not there"
            raise GradflowError(
                f"labels is {asked!r}, but {what}: give its path from the top of the folder or archive."
            )
        return named[0]
    usual = [f for f in others if posixpath.basename(f.name).lower() == USUAL and f.name.count("/") <= below]
    if usual and (len(usual) > 1 or len(list(folders)) > 1):
        raise GradflowError(
            f"here are both {usual[0].name!r} and folders of images: set labels to {usual[0].name!r} if it says the "
            "classes, or name it under exclude if the folders do."
        )
    return usual[0] if usual else None


def labelled(table: Member, images: Sequence[Member], left: Counter) -> list[tuple[Member, str, int | None]]:
    """Return (image, class, split or None) of the table's rows, by split and class; count in `left` what it lacks.

    Raises GradflowError, with the line, for a row that names no image, one that another row has, or no label; and for a
    table without its columns.
    """
    rows, where = _table_rows(table), table.name
    folder = posixpath.dirname(table.name)
    by_path = {posixpath.relpath(image.name, folder or "."): image for image in images}
    names = Counter(posixpath.basename(path) for path in by_path)
    by_name = {
        posixpath.basename(path): image for path, image in by_path.items() if names[posixpath.basename(path)] == 1
    }
    found, taken = [], {}
    for line, row in rows:
        path = posixpath.normpath(row["file"].replace("\\", "/"))
        image = by_path.get(path) or by_name.get(path)
        split = split_named(row["split"]) if "split" in row else None
        if image is None:
            raise GradflowError(
                f"{where}, line {line}: {row['file']!r} is no image here, or more than one is called so."
            )
        if not row["label"] or ("split" in row and split is None):
            raise GradflowError(f"{where}, line {line}: a label, or a split such as train, val or test, is missing.")
        if image.name in taken:
            raise GradflowError(f"{where}, line {line}: {image.name!r} is on line {taken[image.name]}, too.")
        taken[image.name] = line
        found.append((image, row["label"], split))
    left["images that the table does not name"] += len(images) - len(found)
    if found and "split" in rows[0][1]:
        _check_splits(found, where)
    return sorted(found, key=lambda image: (image[2] or 0, image[1]))


def _check_splits(found: list[tuple[Member, str, int | None]], where: str) -> None:
    trained = {label for _, label, split in found if split == 0}
    unknown = next((label for _, label, _ in found if label not in trained), None)
    if unknown is not None or all(split == 0 for *_, split in found):
        what = "all images are training images" if unknown is None else f"{unknown!r} has no training image"
        raise GradflowError(f"{where}: {what}; a table with splits has training images of every class, and others.")


def _table_rows(table: Member) -> list[tuple[int, dict[str, str]]]:
    """Return the line and the columns of each row."""
    try:
        text = table.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GradflowError(f"{table.name} cannot be read as UTF-8 text ({error}): save it so.") from error
    head = text.partition("\n")[0]
    delimiter = next((mark for mark in ",;\t" if mark in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        places = {name: columns.index(name) for name in COLUMNS if name in columns}
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise GradflowError(f"{table.name}, line {reader.line_num}: {error}: mend it.") from error
    if not {"file", "label"} <= places.keys():
        raise GradflowError(
            f"{table.name} must name the columns file and label in its first line, which is {head[:80]!r}."
        )
    short = next((line for line, row in rows if len(row) <= max(places.values())), None)
    if short is not None:
        raise GradflowError(f"{table.name}, line {short}: it has fewer columns than the first line: mend it.")
    return [(line, {name: row[place].strip() for name, place in places.items()}) for line, row in rows]
