"""The one reader of folder layouts: which images a folder, a zip or a tar holds, of which class and in which split.

The grammar; what is in brackets may be missing, and images lie at any depth::

    source           = [wrapper/] body        a wrapper is the only folder; what is loose beside it are no images
    body             = table | splits | divided classes | classes
    table            = labels.csv and images; gradflow.data.label_table has its columns
    splits           = train/[wrapper/]classes, and val/[wrapper/]classes or test/[wrapper/]classes or both
    divided classes  = class/train/images, and class/val/images or class/test/images or both, for every class
    classes          = class/images, two or more

`gradflow.data.splits.split_named` says what a split may be called. Validation and test images may lack a class of the
training images. What can be read in two ways, or would lose a class, is refused.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from gradflow.data.content import Content, divided, is_image, shown, suffix, undivided
from gradflow.data.exclusions import refuse_links, refuse_twice_linked, wanted
from gradflow.data.label_table import found_table, labelled
from gradflow.data.members import Member
from gradflow.data.splits import SHARES, SPLITS, at_most, split_named
from gradflow.errors import GradflowError

NEVER_CLASSES = ("training", "val", "validation", "test", "testing")
EXPECTED = (
    "expected are class folders (cat/…, dog/…); or the folders train, and val or test or both, with class folders in "
    "each; or a labels.csv; what does not belong is named under exclude"
)
NEEDS = "it needs two or more classes, each with images to train on"

Groups = dict[str, list[Member]]
Found = list[tuple[Member, str, int | None]]  # image, class, its split if there are ready ones


def read_layout(files: Sequence[Member], settings: dict) -> Content:
    """Return what a folder or an archive holds.

    settings: `labels` (the name of its table), `exclude` (patterns), `shares` of the splits and `max_per_class`; each
    may be missing.

    Raises GradflowError, with what was found and what is expected, for whatever the grammar does not have.
    """
    reader = _Reader(files, settings)
    found = reader.found()
    for name in {name: None for _, name, _ in found}:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise GradflowError(f"the name of the class {name!r} is not UTF-8: rename it.") from None
    most, shares = settings.get("max_per_class"), tuple(settings.get("shares") or SHARES)
    if most:
        rows = at_most([name for _, name, _ in found], [split or 0 for *_, split in found], most)
        reader.left["images beyond max_per_class"] += len(found) - len(rows)
        found = [found[row] for row in rows]
    if all(split is None for *_, split in found):
        groups: Groups = {}
        for file, name, _ in found:
            groups.setdefault(name, []).append(file)
        content = undivided(groups, shares)
    else:
        if shares != SHARES:
            raise GradflowError("shares is for images without ready splits, and these have them: leave shares out.")
        names = sorted({name for _, name, _ in found})
        places = {name: label for label, name in enumerate(names)}
        content = divided([(file, places[name], split) for file, name, split in found], names)
    return content.saying(reader.left, reader.notes)


class _Reader:
    """Reads one folder or archive, and counts what it leaves out."""

    def __init__(self, files: Sequence[Member], settings: dict):
        self.left: Counter[str] = Counter()
        self.notes: list[str] = []
        files = wanted(files, settings.get("exclude") or (), self.left)
        self.images: list[Member] = []
        self.others: list[Member] = []
        for file in files:
            (self.images if is_image(file.name) else self.others).append(file)
        refuse_links(self.others, files)
        refuse_twice_linked(self.images)
        self.labels = settings.get("labels")

    def found(self) -> Found:
        """The images, by the one form of the grammar that they have."""
        below = _wrappers(self.images, self.others)
        folders = self._folders(self.images, below)
        table = found_table(self.others, self.labels, below, folders)
        if table:
            self.others.remove(table)
            del self.left["loose images"]
        for file in self.others:
            empty = file.name.endswith("/")
            self.left["empty folders" if empty else suffix(file.name) or "files without an extension"] += 1
        if table:
            return labelled(table, self.images, self.left)
        splits = _splits(folders)
        if len(splits) == len(folders) and len(set(splits.values())) > 1:
            return self._of_splits(folders, splits, below + 1)
        with_folders = [name for name in splits if _grouped(folders[name], below + 1)[0]]
        if with_folders or len(set(splits.values())) > 1 or any(name.lower() in NEVER_CLASSES for name in splits):
            raise GradflowError(
                "ready splits are in the folders train, and val or test or both, but here are "
                f"{shown(folders)}: rename what does not belong, or name it under exclude."
            )
        self._refuse_without_images(self.others, folders, below)
        if len(folders) < 2:
            beside = shown((f"{kind} ({count:,})" for kind, count in self.left.items() if count), 9) or "nothing"
            raise GradflowError(
                f"{NEEDS}; found the class folders {shown(folders) or '(none)'}, and {beside}; {EXPECTED}."
            )
        return self._of_divided_classes(folders, below + 1) or [
            (file, name, None) for name, files in folders.items() for file in files
        ]

    def _folders(self, images: Iterable[Member], below: int) -> Groups:
        folders, loose = _grouped(images, below)
        self.left["loose images"] += len(loose)
        return folders

    def _of_splits(self, folders: Groups, splits: dict[str, int], below: int) -> Found:
        _refuse_twice(splits)
        others = _grouped(self.others, below - 1)[0]
        below = min(_wrappers(folders[name], others.get(name, []), below) for name in folders)
        parts: dict[int, Groups] = {}
        for name, split in splits.items():
            parts[split] = self._folders(folders[name], below)
            if not parts[split]:
                raise GradflowError(
                    f"{name!r} is called as a split is, but its {len(folders[name]):,} images are in no class folders; "
                    f"{EXPECTED}."
                )
        inner = {name for part in parts.values() for name in part}
        if len(_splits(inner)) == len(inner) and len(set(_splits(inner).values())) > 1:
            raise GradflowError(
                f"{shown(folders)} and the folders in them, {shown(sorted(inner))}, are all called as splits are, so "
                "that either may be the classes: rename the classes."
            )
        if 0 not in parts:
            raise GradflowError(f"ready splits without training images: here are {shown(folders)}; {EXPECTED}.")
        for split in parts:
            unknown = parts[split].keys() - parts[0].keys()
            if unknown:
                raise GradflowError(
                    f"{NEEDS}; {min(unknown)!r} has none: it is a class of the {SPLITS[split]} images, and those of "
                    f"the training images are {shown(parts[0])}; rename it, or name it under exclude."
                )
        self._refuse_without_images([file for name in folders for file in others.get(name, [])], parts[0], below)
        return [
            (file, name, split)
            for split in sorted(parts)
            for name in sorted(parts[split])
            for file in parts[split][name]
        ]

    def _of_divided_classes(self, folders: Groups, below: int) -> Found | None:
        """The images of classes with splits in each of them; None if that is not how they are."""
        inner = {name: _grouped(files, below) for name, files in folders.items()}
        splits = {name: _splits(inner[name][0]) for name in folders}
        odd = [name for name in folders if inner[name][1] or len(splits[name]) < len(inner[name][0])]
        if odd and all(len(set(found.values())) < 2 for found in splits.values()):
            return None
        if not odd and len({split for found in splits.values() for split in found.values()}) < 2:
            return None
        if odd:
            raise GradflowError(
                f"some classes have ready splits in them, but {shown(odd)} has other folders or images beside; "
                f"{EXPECTED}."
            )
        for found in splits.values():
            _refuse_twice(found)
        found = [
            (file, name, splits[name][part])
            for name in folders
            for part in splits[name]
            for file in inner[name][0][part]
        ]
        return sorted(found, key=lambda image: (image[2], image[1]))

    def _refuse_without_images(self, others: Iterable[Member], classes: Iterable[str], below: int) -> None:
        """Raise GradflowError for a folder among the classes in which there are files, but no images."""
        beside = {name: files for name, files in _grouped(others, below)[0].items() if name not in classes}
        for name, files in beside.items():
            kinds = Counter(suffix(file.name) for file in files if not file.name.endswith("/"))
            if kinds:
                has = ", ".join(f"{count:,} {kind or 'files without an extension'}" for kind, count in kinds.items())
                raise GradflowError(f"{NEEDS}; {name!r} has none ({has}): convert them, or name it under exclude.")
        if beside:
            self.notes.append(f"Empty folders are no classes: {shown(beside)}.")


def _grouped(files: Iterable[Member], below: int) -> tuple[Groups, list[Member]]:
    """Return {folder so many levels down: what is in it}, and what lies beside those folders."""
    folders: Groups = {}
    loose = []
    for file in files:
        parts = file.name.split("/", below + 1)
        if len(parts) > below + 1:
            folders.setdefault(parts[below], []).append(file)
        else:
            loose.append(file)
    return folders, loose


def _wrappers(images: Sequence[Member], others: Sequence[Member], below: int = 0) -> int:
    """Return how many levels down the body is: below folders that hold all images, and no folder beside them."""
    while True:
        folders, loose = _grouped(images, below)
        if len(folders) != 1 or loose or _grouped(others, below)[0].keys() - folders.keys():
            return below
        inner, beside = _grouped(images, below + 1)
        if not inner or (len(inner) == 1 and beside):
            return below
        below += 1


def _splits(folders: Iterable[str]) -> dict[str, int]:
    return {name: split for name in folders if (split := split_named(name)) is not None}


def _refuse_twice(splits: dict[str, int]) -> None:
    for split in set(splits.values()):
        names = [name for name in splits if splits[name] == split]
        if len(names) > 1:
            raise GradflowError(
                f"{shown(names)} are all called as {SPLITS[split]} images are: put them into one folder, or name what "
                "does not belong under exclude."
            )
