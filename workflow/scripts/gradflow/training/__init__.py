"""Training: the loop, its state and checkpoints, and the result that it leaves."""
