"""Small archives in the layouts of the originals, made for tests."""

import io
import pickle
import tarfile
import zipfile

import numpy as np
from PIL import Image

CLASSES = [b"airplane", b"automobile", b"bird", b"cat", b"deer", b"dog", b"frog", b"horse", b"ship", b"truck"]


def photograph(generator: np.random.Generator, height: int = 64, width: int = 64) -> bytes:
    """A JPEG of smooth colours."""
    small = generator.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def painted(colour: tuple[int, int, int], side: int = 64) -> bytes:
    """A JPEG of one colour."""
    stream = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def wnid_colour(number: int) -> tuple[int, int, int]:
    """The colour of all images of a class of `tiny_imagenet`, so that a label can be told from the pixels."""
    return (40 * number, 255 - 40 * number, 100)


def cifar10(per_batch: int = 20) -> tuple[bytes, np.ndarray, np.ndarray]:
    """CIFAR-10's python archive with fewer images: its bytes, images [N, 3, 32, 32] and labels."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (6 * per_batch, 3072), dtype=np.uint8)
    labels = np.arange(6 * per_batch) % 10
    members = {"batches.meta": {b"label_names": CLASSES, b"num_cases_per_batch": per_batch}}
    for i, name in enumerate([f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]):
        rows = slice(i * per_batch, (i + 1) * per_batch)
        members[name] = {b"data": images[rows], b"labels": labels[rows].tolist(), b"batch_label": name.encode()}
    pickled = {f"cifar-10-batches-py/{name}": pickle.dumps(value, 2) for name, value in members.items()}
    return tar(pickled, "gz"), images.reshape(-1, 3, 32, 32), labels


def tiny_imagenet(classes: int = 4, train: int = 20, val: int = 4) -> bytes:
    """Tiny ImageNet's zip with fewer classes and images; the images of n00000003 have `wnid_colour(3)`, and so on."""
    wnids = [f"n{i:08d}" for i in range(1, classes + 1)]
    members: dict[str, bytes] = {
        "wnids.txt": "".join(f"{wnid}\n" for wnid in reversed(wnids)).encode(),
        "words.txt": "".join(f"{wnid}\tthing {i}, other word\n" for i, wnid in enumerate(wnids)).encode(),
    }
    annotations = []
    for number, wnid in enumerate(wnids, start=1):
        image = painted(wnid_colour(number))
        members[f"train/{wnid}/{wnid}_boxes.txt"] = b"0 0 1 1\n"
        for i in range(train):
            members[f"train/{wnid}/images/{wnid}_{i}.JPEG"] = image
        for _ in range(val):
            name = f"val_{7 * len(annotations) % (classes * val)}.JPEG"
            members[f"val/images/{name}"] = image
            annotations.append(f"{name}\t{wnid}\t0\t0\t62\t62\n")
    members["val/val_annotations.txt"] = "".join(annotations).encode()
    members["test/images/test_0.JPEG"] = painted((0, 0, 0))
    return zip_({f"tiny-imagenet-200/{name}": content for name, content in members.items()})


def tar(members: dict[str, bytes], compression: str = "gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zip_(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()
