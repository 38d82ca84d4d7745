"""Training steps to compare: a plain one, with our recorder in several ways, and with what others use in its place."""

import tempfile
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradflow import GradientRecorder


class Plain:
    """A training step without anything else."""

    def __init__(self, build: Callable[[], nn.Module], side: int, batch: int, precision=None, channels_last=False):
        torch.manual_seed(0)
        self.model = build().train()
        self.images, self.labels = torch.randn(batch, 3, side, side), torch.randint(10, (batch,))
        if channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.precision = precision
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-2, momentum=0.9)
        self.start()

    def start(self):
        """Prepare what the step is measured with."""

    def backward(self, loss):
        loss.backward()

    def after_backward(self):
        """Measure."""

    def step(self) -> float:
        started = time.perf_counter()
        self.optimizer.zero_grad()
        with torch.autocast("cpu", self.precision or torch.bfloat16, enabled=self.precision is not None):
            loss = cross_entropy(self.model(self.images).float(), self.labels)
        self.backward(loss)
        self.after_backward()
        self.optimizer.step()
        return time.perf_counter() - started


class Again(Plain):
    """The control."""


class Recorded(Plain):
    """Our recorder: every quantity of every layer."""

    settings: dict = {}  # noqa: RUF012

    def start(self):
        told = {"optimizer": self.optimizer} if self.settings.get("optimizer") else {}
        self.recorder = GradientRecorder(self.model, **self.settings | told).__enter__()
        self.after_backward = self.recorder.step
        self.recorder._capture.detach()

    def step(self) -> float:
        self.recorder._attach()  # its hook on all modules would slow the other variants' models, too
        try:
            return super().step()
        finally:
            self.recorder._capture.detach()


class Told(Recorded):
    """The same, with the optimizer's state in place of a copy."""

    settings = {"optimizer": True}  # noqa: RUF012


class EveryTenth(Recorded):
    """The same, one step in ten."""

    settings = {"every": 10}  # noqa: RUF012


class ActivationFloor(Plain):
    """What no recorder of activation gradients can do without: a hook and one dot product a layer."""

    def start(self):
        self.norms = []

        def after(module, args, output):
            output.register_hook(lambda g: self.norms.append(_square(g)))

        for module in self.model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_hook(after)


class MemoryFloor(ActivationFloor):
    """And of weights: one read of gradient, weight and copy, and one write of the copy, whole tensors at once."""

    def start(self):
        super().start()
        modules = [m for m in self.model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        self.weights = [m.weight for m in modules]
        self.copies = [weight.detach().clone() for weight in self.weights]

    @torch.no_grad()
    def after_backward(self):
        for weight, copy in zip(self.weights, self.copies):
            self.norms += [_square(weight.grad), _square(weight), _square(copy.sub_(weight))]
            copy.copy_(weight)


class SeedHook(Plain):
    """The notebooks' hook: one quantity, read with .item() in each hook."""

    def start(self):
        norms = []
        for module in self.model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_full_backward_hook(lambda m, i, o: norms.append(o[0].norm().item()))
        for module in self.model.modules():
            if hasattr(module, "inplace"):
                module.inplace = False  # or that hook fails


class Lightning(Plain):
    """Lightning's grad_norm: parameters alone."""

    def start(self):
        from lightning.pytorch.utilities import grad_norm

        self.grad_norm = grad_norm

    def after_backward(self):
        self.grad_norm(self.model, norm_type=2)


class Cockpit(Plain):
    """Cockpit, two of its quantities, at every step."""

    def start(self):
        from backpack import extend
        from cockpit import Cockpit, quantities

        self.model = extend(self.model)
        self.loss = extend(nn.CrossEntropyLoss())
        wanted = [quantities.GradNorm(track_schedule=_always), quantities.Distance(track_schedule=_always)]
        self.cockpit, self.number = Cockpit(self.model.parameters(), quantities=wanted), 0

    def step(self):
        started = time.perf_counter()
        self.optimizer.zero_grad()
        loss = self.loss(self.model(self.images), self.labels)
        info = {"batch_size": len(self.images), "individual_losses": loss, "loss": loss, "optimizer": self.optimizer}
        with self.cockpit(self.number, info=info):
            loss.backward(create_graph=self.cockpit.create_graph(self.number))
        self.optimizer.step()
        self.number += 1
        return time.perf_counter() - started


class WandbWatch(Plain):
    """wandb.watch, all, every step, offline."""

    def start(self):
        import wandb

        self.run = wandb.init(mode="offline", dir=tempfile.mkdtemp(), settings=wandb.Settings(silent=True))
        self.run.watch(self.model, log="all", log_freq=1)

    def after_backward(self):
        self.run.log({})


def _always(step: int) -> bool:
    return True


def _square(tensor: torch.Tensor) -> float:
    flat = tensor.reshape(-1).float()
    return torch.dot(flat, flat).item()


OURS = {"recorder": Recorded, "told": Told, "every=10": EveryTenth, "act floor": ActivationFloor, "floor": MemoryFloor}
PEERS = {"notebooks": SeedHook, "lightning": Lightning, "cockpit": Cockpit, "wandb": WandbWatch}
