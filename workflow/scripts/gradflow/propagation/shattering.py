"""Shattered gradients: how alike the gradients at nearby images are."""

import torch
from torch import nn
from torch.nn.functional import cosine_similarity

NEARBY = 0.01  # how far a nearby image is, as a share of the image's own norm


def gradient_correlation(model: nn.Module, images: torch.Tensor, classes: int, seed: int = 0) -> float:
    """Measure shattered gradients: in a deep plain net nearby images have unrelated gradients (Balduzzi et al. 2017).

    The output is the logits along one random direction: a loss would be flat for the images that a net is sure of. The
    nearby image is NEARBY of the image's norm away, in a random direction.

    Parameters
    ----------
    model : a network that returns logits [B, classes].
    images : [B, C, H, W].
    classes : how many there are.
    seed : the random seed of both directions.

    Returns
    -------
    The cosine between the output's gradients at an image and at a nearby one, the mean over the batch.
    """
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(classes, generator=generator).to(images.device)
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    scale = NEARBY * images.flatten(1).norm(dim=1) / noise.flatten(1).norm(dim=1)
    gradients = [
        torch.autograd.grad((model(x) @ direction).sum(), x)[0].flatten(1)
        for x in (images.clone().requires_grad_(), (images + noise * scale.view(-1, 1, 1, 1)).requires_grad_())
    ]
    return cosine_similarity(*gradients).mean().item()
