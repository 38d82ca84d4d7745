"""Augmentation: whole batches are cropped and mirrored as torchvision does it image by image."""

import pytest
import torch
from torchvision.transforms import RandomCrop, RandomHorizontalFlip
from torchvision.transforms import functional as slow

from gradflow.data.augmentation import draw_views, take_views
from gradflow.data.batches import batches
from interruptions import few_digits

AUGMENTED = {"crop_padding": 3, "horizontal_flip": True}


@pytest.fixture(scope="module")
def dataset(digits):
    return few_digits(digits)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def epoch(dataset, shuffle, first=0, **augmentation):
    """The images and labels of a pass in batches of 16, without normalisation."""
    return list(batches(dataset, "train", 16, torch.device("cpu"), "none", 32, shuffle, first, **augmentation))


@pytest.mark.parametrize("channels, padding, mirrored", [(3, 4, True), (1, 2, False), (3, 0, True)])
def test_views_are_what_torchvision_crops_and_flips_image_by_image(channels, padding, mirrored):
    pixels = torch.randint(0, 256, (40, channels, 9, 9), dtype=torch.uint8, generator=stream())
    views = draw_views(40, padding, mirrored, stream(1))
    expected = []
    for image, (top, left, flip) in zip(pixels, views.tolist()):
        cut = slow.crop(slow.pad(image, padding), top, left, 9, 9)
        expected.append(slow.hflip(cut) if flip else cut)
    assert torch.equal(take_views(pixels, views, padding), torch.stack(expected))


def test_the_views_that_there_are_are_those_of_torchvisions_random_transforms_and_equally_likely():
    image = torch.arange(16, dtype=torch.uint8).view(1, 4, 4) + 1
    views = draw_views(3600, 1, True, stream())
    ours = {view.numpy().tobytes() for view in take_views(image.expand(3600, 1, 4, 4), views, 1)}
    torch.manual_seed(0)
    theirs = {RandomHorizontalFlip()(RandomCrop(4, padding=1)(image)).numpy().tobytes() for _ in range(600)}
    assert ours == theirs and len(ours) == 18
    _, counts = views.unique(dim=0, return_counts=True)
    assert len(counts) == 18 and (counts - 200).abs().max() < 60  # four standard deviations


def test_augmentation_leaves_the_order_of_images_and_differs_between_epochs(dataset):
    plain, augmented = stream(), stream()
    firsts = []
    for _ in range(2):
        expected, found = epoch(dataset, plain), epoch(dataset, augmented, **AUGMENTED)
        assert all(torch.equal(a[1], b[1]) for a, b in zip(expected, found))
        assert not any(torch.equal(a[0], b[0]) for a, b in zip(expected, found))
        assert torch.equal(plain.get_state(), augmented.get_state())
        firsts.append(draw_views(90, 3, True, augmented))
    assert not torch.equal(*firsts)


def test_a_pass_that_begins_at_a_later_batch_sees_the_same_views(dataset):
    whole = epoch(dataset, stream(), **AUGMENTED)
    rest = epoch(dataset, stream(), first=4, **AUGMENTED)
    assert len(rest) == 2 and all(torch.equal(a[0], b[0]) for a, b in zip(whole[4:], rest))
