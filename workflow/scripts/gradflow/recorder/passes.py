"""Passes through a model: what one of them, or all that a weight gradient holds, add up to."""

from dataclasses import dataclass, field

from gradflow.recorder.norms import Norm, hypotenuse
from gradflow.recorder.weights import Token


@dataclass(eq=False)
class ForwardPass:
    """A forward pass of the model: its batch size, 0 if its inputs do not tell; `question` says why they do not."""

    batch_size: int = 0
    question: str = ""
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

    token: Token = ()
    weight_grad: Norm | None = None  # ‖∂L/∂W‖, without the loss scale
    raw: Norm | None = None  # the same as it stands in memory
    scale: Norm | None = None  # of the loss
    before: int = 0  # the samples that had been counted before its first pass
    question: str = ""  # why its batch size cannot be told
    trouble: str = ""


@dataclass(eq=False)
class Use:
    """One use of a layer in a forward pass, with what was measured of its output."""

    layer: str
    forward: ForwardPass
    measured: dict
    caught_in: object = None  # the backward pass that last went through it
    held: Held | None = None


class BackwardPass:
    """A backward pass under way."""

    def __init__(self, scale: Norm | None, tokens: dict[str, Token]):
        self.scale, self.tokens = scale, tokens
        self.parts: dict[str, Part] = {}
        self.forwards: set[ForwardPass] = set()  # that it goes through
