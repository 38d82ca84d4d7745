"""What only a GPU shows, in one command of under ten minutes: python bench/gpu.py > gpu.txt

The peak of matrix products comes first, then for each network the images per second of a plain step, with the recorder,
and of the notebooks' loop (their hook, .item() in each), with the shares of that peak; then the recorder against
autograd in float64 on the same device. Without a GPU the same runs on small sizes of the CPU, to see that it does.
"""

import statistics
import time
from functools import partial

import torch
import torchvision
from steps import Plain, Recorded, SeedHook, Told
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow import GradientRecorder
from gradflow.models.build import build

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
ROUNDS, STEPS, WARM_UP = (5, 40, 20) if CUDA else (2, 2, 1)
NETWORKS = {  # builder, side, batch, FLOP of an image forward and backward
    "resnet18, 32 px, batch 128": (partial(build, "resnet18", classes=10, init="he", seed=0), 32, 128, 3.3e9),
    "vgg19, 32 px, batch 128": (partial(build, "vgg19", classes=10, init="he", seed=0), 32, 128, 2.4e9),
    "vgg19 (torchvision), 224 px, batch 32": (partial(torchvision.models.vgg19, num_classes=10), 224, 32, 117.6e9),
    "resnet50 (torchvision), 224 px, batch 64": (partial(torchvision.models.resnet50, num_classes=10), 224, 64, 24.3e9),
}
small = partial(build, "resnet18", classes=10, init="he", seed=0, width=0.125)
SMALL = {"resnet18, 1/8, 32 px, batch 8": (small, 32, 8, 5e7)}
VARIANTS = {"plain": Plain, "again": Plain, "recorder": Recorded, "told": Told, "notebooks": SeedHook}


def on_device(kind: type, build_network, side: int, batch: int, precision, channels_last: bool) -> Plain:
    """Return a step of a kind whose network and images lie on the device."""

    class OnDevice(kind):
        def start(self):
            self.model.to(DEVICE)
            self.images, self.labels = self.images.to(DEVICE), self.labels.to(DEVICE)
            super().start()

        def forward_and_step(self):
            self.optimizer.zero_grad()
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=self.precision is not None):
                loss = cross_entropy(self.model(self.images).float(), self.labels)
            loss.backward()
            self.after_backward()
            self.optimizer.step()

    return OnDevice(build_network, side, batch, precision, channels_last)


def seconds(run, steps: int) -> float:
    """Return the seconds of so many runs, by the device's own clock where it has one."""
    if not CUDA:
        started = time.perf_counter()
        for _ in range(steps):
            run()
        return time.perf_counter() - started
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(steps):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def peak(dtype: torch.dtype) -> float:
    """Return the FLOP a second of a large matrix product."""
    size = 8192 if CUDA else 512
    a, b = (torch.randn(size, size, device=DEVICE, dtype=dtype) for _ in range(2))
    seconds(lambda: a @ b, 5)
    return 20 * 2 * size**3 / seconds(lambda: a @ b, 20)


def speeds(name: str, network: tuple, precision, peak_flops: float) -> None:
    """Print images a second, ratios to the plain step with their spread, and the share of the peak."""
    build_network, side, batch, flops = network
    for kind, make in VARIANTS.items():
        variant = on_device(make, build_network, side, batch, precision, channels_last=True)
        plain = on_device(Plain, build_network, side, batch, precision, channels_last=True)
        taken = []
        attach, detach = _recording(variant)
        for one in (plain, variant):
            attach()
            seconds(one.forward_and_step, WARM_UP)
            detach()
        for _ in range(ROUNDS):
            first = seconds(plain.forward_and_step, STEPS)
            attach()
            second = seconds(variant.forward_and_step, STEPS)
            detach()
            taken.append((second / first, STEPS * batch / second))
        ratios, rates = zip(*taken)
        share = f"{statistics.median(rates) * flops / peak_flops:.1%} of the peak" if CUDA else ""
        spread = f"{min(ratios):.3f}–{max(ratios):.3f}"
        rate, ratio = statistics.median(rates), statistics.median(ratios)
        print(f"  {kind:10} {rate:10.0f} images/s  {ratio:.3f} of the plain step ({spread})  {share}")
        del variant, plain


def _recording(variant: Plain) -> tuple:
    """Return what begins and ends the recorder's sight, whose hook on all modules would slow the plain step, too."""
    if not isinstance(variant, Recorded):
        return (lambda: None), (lambda: None)
    return variant.recorder._attach, variant.recorder._capture.detach


def exactness(name: str, network: tuple) -> None:
    """Print the largest relative difference of a layer's norms from float64 autograd."""
    build_network, side, _, _ = network
    torch.manual_seed(0)
    model = build_network().to(DEVICE)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    images, labels = torch.randn(8, 3, side, side, device=DEVICE), torch.randint(10, (8,), device=DEVICE)
    with GradientRecorder(model) as recorder:
        cross_entropy(model(images), labels).backward()
        recorder.step()
    single = [model.get_submodule(layer).weight.grad.double().norm().item() for layer in recorder.layers]
    model.zero_grad()
    cross_entropy(model.double()(images.double()), labels).backward()
    double = [model.get_submodule(layer).weight.grad.norm().item() for layer in recorder.layers]
    found = recorder.norms()["weight_grad_norm"][0]
    to_single, to_double = (max(abs(f / t - 1) for f, t in zip(found, truth)) for truth in (single, double))
    print(f"  weight gradients: {to_single:.1e} from the gradients' own norms, {to_double:.1e} from float64 autograd")


def main() -> None:
    """Print everything."""
    if not CUDA:
        torch.set_num_threads(1)
    device = torch.cuda.get_device_name() if CUDA else "CPU: only to see that it runs"
    print(f"{device}, torch {torch.__version__}, TF32 convolutions {torch.backends.cudnn.allow_tf32}")
    peaks = {None: peak(torch.float32), torch.bfloat16: peak(torch.bfloat16)}
    print(f"matrix products: float32 {peaks[None] / 1e12:.1f}, bfloat16 {peaks[torch.bfloat16] / 1e12:.1f} TFLOP/s")
    for name, network in (NETWORKS if CUDA else SMALL).items():
        for precision in (None, torch.bfloat16):
            print(f"{name}, {'bfloat16' if precision else 'float32'}, channels_last")
            speeds(name, network, precision, peaks[precision])
        exactness(name, network)


if __name__ == "__main__":
    main()
