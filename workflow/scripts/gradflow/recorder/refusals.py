"""What `GradientRecorder.step()` says where it cannot tell, and what to do about it: each makes the error to raise.

They are calls of an error's class, whose words no fingerprint of the code holds.
"""

from gradflow.errors import GradflowError


class BatchSizeError(GradflowError):
    """The batch size cannot be told; what is doubtful is followed by what to do."""

    def __init__(self, doubt: str):
        super().__init__(
            f"GradientRecorder.step() {doubt}: batch_dim=... of the recorder names the dimension of the first input, "
            "step(batch_size=...) the number."
        )


def zeroed(layer: str) -> GradflowError:
    """The weight gradients were zeroed before the row."""
    return GradflowError(
        f"GradientRecorder.step() found no weight gradient in {layer!r}: call it after loss.backward() and"
        " before zero_grad()."
    )


def nothing() -> GradflowError:
    """No gradient arrived since the last row."""
    return GradflowError(
        "GradientRecorder.step() found no gradient in any recorded layer: call it inside the `with` "
        "block, once per step, after loss.backward()."
    )


def taken_away() -> GradflowError:
    """The backward pass left no weight gradient."""
    return GradflowError(
        "GradientRecorder.step() found no weight gradient after the backward pass: autograd.grad() and "
        "backward(inputs=...) leave none in .grad, and an optimizer that is fused into backward() takes "
        "it away; call backward() and let the optimizer step after it."
    )


def twice() -> GradflowError:
    """Two passes through one graph do not add up."""
    return GradflowError(
        "GradientRecorder met two backward passes through one forward pass whose weight gradients were "
        "not zeroed in between, and whose norms do not add up: add the losses and call backward() once, "
        "or run the forward pass again."
    )


def changed() -> GradflowError:
    """Something was done to the gradients between two passes."""
    return GradflowError(
        "GradientRecorder.step(): the weight gradients were changed in place between two backward passes "
        "that add up in them (clipped, scaled, or zeroed in part): do that after the last one."
    )


def unseen() -> GradflowError:
    """The gradients hold what was not seen."""
    return GradflowError(
        "GradientRecorder.step(): the weight gradients hold more than the backward passes of this step, "
        "of a time before the `with` block or discard(), or of a pass that failed: call zero_grad() "
        "before the step's first backward()."
    )


def unscaled() -> GradflowError:
    """float16 gradients of a scale that is not known."""
    return GradflowError(
        "GradientRecorder met float16 gradients, which a GradScaler multiplies by a scale it was not "
        "told: pass scaler=..., or train in bfloat16 or float32."
    )


def no_numbers() -> GradflowError:
    """The tensors have no values."""
    return GradflowError(
        "GradientRecorder.step(): the model is on the meta device, where gradients have no values: move it."
    )


def replaced(layer: str) -> GradflowError:
    """A recorded module, or the way its weight is made, is another by now."""
    return GradflowError(
        f"GradientRecorder.step(): the layer {layer!r} was replaced or parametrised anew since the recorder was made: "
        "make a new GradientRecorder after that."
    )
