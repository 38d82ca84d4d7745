"""What a gradient's change on its way can be owed to, and what people read for it."""

# In the order in which people read them.
CAUSES = {
    "weights": "weights",
    "gate": "activations",
    "padding": "padding",
    "pooling": "pooling",
    "norm": "norms",
    "skip": "residual blocks",
    "dropout": "dropout",
    "scale": "scales",
    "attention": "attention",
    "branches": "branches",
    "coupling": "coupling",
    "unknown": "no rule",
}
