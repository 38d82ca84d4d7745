"""Resizing: the very pixels of PIL's bilinear antialiased result, from any size to any."""

import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision import transforms

from conftest import real_data
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.data.normalization import IMAGENET
from gradflow.data.prepare import prepare
from gradflow.data.resize import resize


def with_pil(images: np.ndarray, side: int) -> np.ndarray:
    resized = [Image.fromarray(i.transpose(1, 2, 0)).resize((side, side), Image.Resampling.BILINEAR) for i in images]
    return np.stack([np.asarray(image).transpose(2, 0, 1) for image in resized])


sizes = st.integers(1, 240).flatmap(
    lambda side: (
        st.tuples(st.integers(1, side), st.integers(1, side), st.just(side))
        | st.integers(1, 300).map(lambda stored: (stored, stored, side))
    )
)


@given(sizes, st.integers(0, 2**32 - 1))
@settings(max_examples=200)
def test_equals_pil_from_any_stored_size_to_any_side(sizes, seed):
    height, width, side = sizes
    images = np.random.default_rng(seed).integers(0, 256, (2, 3, height, width), dtype=np.uint8)
    np.testing.assert_array_equal(resize(torch.from_numpy(images), side).numpy(), with_pil(images, side))


@pytest.mark.parametrize(("stored", "side"), [(32, 224), (64, 224), (64, 64), (224, 64), (96, 64)])
@pytest.mark.parametrize("extreme", [False, True])
def test_equals_pil_at_the_sizes_of_the_studies(stored, side, extreme):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 2 if extreme else 256, (9, 3, stored, stored), dtype=np.uint8)
    images *= 255 if extreme else 1
    np.testing.assert_array_equal(resize(torch.from_numpy(images), side).numpy(), with_pil(images, side))


def test_a_batch_of_1000_photographs_equals_the_seeds_transforms(tmp_path):
    archive = real_data("tiny-imagenet-200-subset.zip")
    groups = {"dogs": ["n02085620", "n02094433"], "food": ["n07583066"]}
    prepare(tmp_path / "out", "zoo", {"source": "tiny_imagenet", "groups": groups, "size": 224}, {"zoo": archive})
    dataset = store.load_dataset(tmp_path / "out")
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if name.endswith(".JPEG") and "/train/" in name)
        files = [name for wnids in groups.values() for wnid in wnids for name in names if f"/{wnid}/" in name]
        assert len(files) == len(dataset.images) == 1500
        seeds = transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor()])
        normalise = transforms.Normalize(*IMAGENET)
        rows = dataset.indices("train")[:1000]
        batched = batches(dataset, "train", 100, torch.device("cpu"), "imagenet", 224)
        for start, (images, _) in zip(range(0, 1000, 100), batched):
            for image, row in zip(images, rows[start : start + 100]):
                with opened.open(files[row]) as stream:
                    expected = normalise(seeds(Image.open(stream).convert("RGB")))
                assert torch.equal(image, expected)
