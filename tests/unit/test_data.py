"""Prepared data: complete, stratified, fingerprinted, and refused when damaged."""

import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gradflow import GradflowError
from gradflow.data import store
from gradflow.data.batches import batches
from gradflow.data.prepare import prepare

CPU = torch.device("cpu")


def test_digits_are_all_there_and_split_within_each_class(digits):
    dataset = store.load_dataset(digits)
    assert dataset.images.shape == (1797, 3, 32, 32) and dataset.images.dtype == np.uint8
    np.testing.assert_array_equal(dataset.labels, load_digits().target)
    for label in range(10):
        shares = np.bincount(dataset.split[dataset.labels == label], minlength=3) / (dataset.labels == label).sum()
        np.testing.assert_allclose(shares, (0.70, 0.15, 0.15), atol=0.01)
    facts = json.loads((digits / "dataset.json").read_text())
    assert sum(facts["counts"].values()) == 1797 and facts["fingerprint"] == dataset.fingerprint


def test_preparing_twice_gives_the_same_bytes(digits, tmp_path):
    prepare(tmp_path, "digits", {"source": "digits", "size": 32})
    for file in store.FILES:
        assert (tmp_path / file).read_bytes() == (digits / file).read_bytes()


def test_batches_cover_a_split_once_in_an_order_the_seed_decides(digits):
    dataset = store.load_dataset(digits)

    def order(seed):
        shuffle = torch.Generator().manual_seed(seed)
        return torch.cat([labels for _, labels in batches(dataset, "train", 100, CPU, "none", 32, shuffle)])

    assert torch.equal(order(0), order(0)) and not torch.equal(order(0), order(1))
    expected = np.bincount(dataset.labels[dataset.indices("train")])
    assert torch.bincount(order(0)).tolist() == expected.tolist()
    images, _ = next(batches(dataset, "validation", 7, CPU, "none", 32))
    rows = dataset.indices("validation")[:7]
    np.testing.assert_allclose(images.numpy(), dataset.images[rows] / 255, rtol=1e-6)
    normalised, _ = next(batches(dataset, "validation", 7, CPU, "imagenet", 32))
    np.testing.assert_allclose(normalised[:, 0].numpy(), (images[:, 0].numpy() - 0.485) / 0.229, rtol=1e-4, atol=1e-5)


def test_a_data_set_too_small_to_split_is_refused(tmp_path):
    with pytest.raises(GradflowError, match="too small for a test split"):
        store.save_dataset(
            tmp_path, "tiny", np.zeros((4, 3, 8, 8)), np.arange(4) % 2, np.array([0, 0, 1, 1]), ["a", "b"]
        )
    assert not any(tmp_path.iterdir())


def test_a_data_set_without_contrast_is_refused(tmp_path):
    images, split = np.full((4, 3, 8, 8), 9), np.array([0, 0, 1, 2])
    with pytest.raises(GradflowError, match="'grey' have the same value"):
        store.save_dataset(tmp_path, "grey", images, np.arange(4) % 2, split, ["a", "b"])
    with pytest.raises(GradflowError, match=r"dataset\.json is missing|labels\.npy is missing"):
        store.load_dataset(tmp_path)


def test_a_last_batch_of_one_image_is_left_out_of_training(tmp_path):
    images, labels = np.arange(11 * 192).reshape(11, 3, 8, 8), np.arange(11) % 2
    store.save_dataset(tmp_path, "few", images, labels, np.array([0] * 9 + [1, 2]), ["a", "b"])
    shuffle = torch.Generator().manual_seed(0)
    sizes = [len(y) for _, y in batches(store.load_dataset(tmp_path), "train", 4, CPU, "none", 8, shuffle)]
    assert sizes == [4, 4]


def test_missing_and_damaged_folders_are_named(tmp_path):
    with pytest.raises(GradflowError, match=r"images\.npy is missing"):
        store.load_dataset(tmp_path)
    images = np.arange(4 * 192).reshape(4, 3, 8, 8)
    store.save_dataset(tmp_path, "x", images, np.arange(4) % 2, np.array([0, 0, 1, 2]), ["a", "b"])
    (tmp_path / "images.npy").write_bytes((tmp_path / "images.npy").read_bytes()[:200])
    with pytest.raises(GradflowError, match="damaged"):
        store.load_dataset(tmp_path)
