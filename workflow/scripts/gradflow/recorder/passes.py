"""Passes through a model: what one of them, or all that a weight gradient holds, add up to."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from gradflow.errors import GradflowError
from gradflow.recorder.norms import Norm, hypotenuse
from gradflow.recorder.refusals import BatchSizeError
from gradflow.recorder.weights import Token

PARTS = "found that the recorded model was never called, only parts of it"


@dataclass(eq=False)
class ForwardPass:
    """A forward pass of the model: its batch size, 0 if its inputs do not tell; `question` says why they do not."""

    batch_size: int = 0
    question: BatchSizeError | None = field(default_factory=lambda: BatchSizeError(PARTS))
    counted_as: object = None  # what the weight gradients held when its samples were counted


@dataclass(eq=False)
class Part:
    """What gradients of a layer's output add up to: of one backward pass, or of all that a weight gradient holds."""

    norm: Norm | None = None  # ‖∂L/∂z‖
    nonfinite: Norm = 0
    numel: int = 0
    measured: dict = field(default_factory=dict)  # what is measured on request
    uses: list = field(default_factory=list)
    unscaled: bool = False  # float16 of a scale that is not known

    def add(self, other: "Part") -> None:
        """Add up."""
        if other.norm is not None:
            self.norm = other.norm if self.norm is None else hypotenuse(self.norm, other.norm)
        self.nonfinite = self.nonfinite + other.nonfinite
        self.numel += other.numel
        self.unscaled |= other.unscaled
        for name, value in other.measured.items():
            self.measured[name] = self.measured.get(name, 0) + value


@dataclass(eq=False)
class Held(Part):
    """What one weight gradient holds."""

    token: Token = None
    weight_grad: Norm | None = None  # ‖∂L/∂W‖, without the loss scale
    raw: Norm | None = None  # the same as it stands in memory
    scale: Norm | None = None  # of the loss
    before: int = 0  # the samples that had been counted before its first pass
    question: BatchSizeError | None = None  # why its batch size cannot be told
    trouble: Callable[[], GradflowError] | None = None


class Session:
    """The time that a recorder sees forward passes; what was hooked in it is inert when `gradients` is None."""

    __slots__ = ("__weakref__", "gradients")

    def __init__(self, gradients):
        self.gradients = gradients


class Use:
    """One use of a layer in a forward pass: the hook of its output."""

    __slots__ = ("caught_in", "forward", "held", "layer", "measured", "session")

    def __init__(self, layer: str, forward: ForwardPass, session: Session):
        self.layer, self.forward, self.session = layer, forward, session
        self.measured: dict | None = None  # of the output, on request
        self.caught_in: BackwardPass | None = None  # that last went through it
        self.held: Held | None = None

    def __call__(self, gradient: torch.Tensor | None) -> None:
        """Hand the gradient of the output on."""
        gradients = self.session.gradients
        if gradients is not None and gradient is not None:
            gradients.catch(self, gradient)


class BackwardPass:
    """A backward pass under way, by its number; caught: uses, the norms of their gradients and their elements."""

    def __init__(self, task: int, scale: Norm | None, tokens: dict[str, Token]):
        self.task, self.scale, self.tokens = task, scale, tokens
        self.caught: list[tuple[Use, Norm, int]] = []
        self.notes: dict[str, Part] = {}  # what is seldom there: non-finite elements, what is measured on request
        self.forwards: set[ForwardPass] = set()  # that it goes through

    def parts(self) -> dict[str, Part]:
        """Return what was caught, by layer."""
        parts = {}
        for use, norm, numel in self.caught:
            part = parts.get(use.layer)
            if part is None:
                part = parts[use.layer] = Part()
            part.uses.append(use)
            part.numel += numel
            norm = norm if self.scale is None else norm / self.scale
            part.norm = norm if part.norm is None else hypotenuse(part.norm, norm)
            self.forwards.add(use.forward)
        for name, note in self.notes.items():
            parts[name].add(note)
        return parts
