"""How much a gradient's size spreads from draw to draw: measured over random seeds, and as finite width predicts it.

    python bench/width.py [--seeds 24]

The standard deviation of measured decades, first layer over last, beside the first layer's `spread` of an explanation
(`gradflow.propagation.width`), its mean over the seeds. Half a minute of one core.
"""

import argparse

import numpy as np
import torch
from networks import digits, mlp, network
from torch import nn
from tqdm import tqdm

from gradflow import explain

# {network: (builder, samples)}
NETWORKS = {
    "MLP-16 ReLU He, 1 sample": (mlp(nn.ReLU, "He"), 1),
    "MLP-16 ReLU He, 32": (mlp(nn.ReLU, "He"), 32),
    "VGG-19 default, 32": (network("vgg19"), 32),
    "VGG-19 He, 32": (network("vgg19", "He"), 32),
    "VGG-16 with batch norm, 32": (network("vgg16", batch_norm=True), 32),
}
PASSES = 2  # independent ones a draw: the mean over seeds is what is shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=24)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    print("| network, samples | measured | predicted | measured / predicted |\n|---|---|---|---|")
    for name, (builder, samples) in NETWORKS.items():
        batch, found = digits(samples), []
        for seed in tqdm(range(seeds), name, leave=False, disable=None):
            one = explain(builder, *batch, first_seed=seed, probes=PASSES, pure=False, remedies=False)
            found.append((one.decades["measured"], one.layers[0].spread))
        decades, spreads = np.array(found).T
        measured, predicted = decades.std(ddof=1), spreads.mean()
        print(f"| {name} | {measured:.3f} | {predicted:.3f} | {measured / predicted:.2f} |", flush=True)


if __name__ == "__main__":
    main()
