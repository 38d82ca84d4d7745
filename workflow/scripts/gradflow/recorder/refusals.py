"""What `GradientRecorder.step()` says where it cannot tell, and what to do about it."""

ZEROED = (
    "GradientRecorder.step() found no weight gradient in {!r}: call it after loss.backward() and before zero_grad()."
)
NOTHING = (
    "GradientRecorder.step() found no gradient in any recorded layer: call it inside the `with` block, "
    "once per step, after loss.backward()."
)
TAKEN_AWAY = (
    "GradientRecorder.step() found no weight gradient after the backward pass: autograd.grad() and backward(inputs=...)"
    " leave none in .grad, and an optimizer that is fused into backward() takes it away; call backward() and let the "
    "optimizer step after it."
)
TWICE = (
    "GradientRecorder met two backward passes through one forward pass whose weight gradients were not zeroed in "
    "between, and whose norms do not add up: add the losses and call backward() once, or run the forward pass again."
)
CHANGED = (
    "GradientRecorder.step(): the weight gradients were changed in place between two backward passes that add up in "
    "them (clipped, scaled, or zeroed in part): do that after the last one."
)
UNSEEN = (
    "GradientRecorder.step(): the weight gradients hold more than the backward passes of this step, of a time before "
    "the `with` block or discard(), or of a pass that failed: call zero_grad() before the step's first backward()."
)
UNSCALED = (
    "GradientRecorder met float16 gradients, which a GradScaler multiplies by a scale it was not told: "
    "pass scaler=..., or train in bfloat16 or float32."
)
NO_NUMBERS = "GradientRecorder.step(): the model is on the meta device, where gradients have no values: move it."
