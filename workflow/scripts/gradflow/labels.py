"""How settings are named for people, in one place."""

ARCHITECTURES = {
    "vgg16": "VGG-16",
    "vgg19": "VGG-19",
    "vgg38": "VGG-38",
    "vgg_deep": "VGG-Deep",
    "vgg16_plus4": "VGG-16+4",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "vgg_shallow": "shallow VGG",
    "cifar_resnet": "CIFAR ResNet",
}
ACTIVATIONS = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "gelu": "GELU",
}
INITS = {
    "default": "torch default",
    "xavier": "Xavier",
    "he": "He",
    "lecun": "LeCun",
    "torchvision": "torchvision",
    "pretrained": "pretrained",
}
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}
MOMENTS = {"init": "at init", "one_step": "after one step", "middle": "mid-way", "end": "at the end"}
QUANTITIES = {
    "grad_output_norm": "‖∂L/∂z‖ of the batch",
    "grad_sample_norm": "activation gradient, RMS ‖∂ℓ/∂z‖ per sample",
    "grad_rms": "activation gradient, RMS per element",
    "weight_grad_norm": "weight gradient ‖∂L/∂W‖",
    "weight_norm": "‖W‖",
    "update_ratio": "update ratio ‖ΔW‖/‖W‖",
    "nonfinite": "NaN and Inf elements",
}

_SAY = {
    "architecture": lambda value: ARCHITECTURES.get(value, value),
    "init": lambda value: f"{INITS.get(value, value)} init",
    "activation": lambda value: ACTIVATIONS.get(value, value),
    "optimizer": lambda value: OPTIMIZERS.get(value, value),
    "skip": lambda value: "skip" if value else "no skip",
    "batch_norm": lambda value: "BN" if value else "no BN",
    "pooling": lambda value: f"{value} pool",
    "kernel": lambda value: f"{value}×{value}",
    "bottleneck": lambda value: "1×1 bottlenecks" if value else "no bottlenecks",
    "depth": lambda value: f"{value} layers",
    "epochs": lambda value: f"{value} epochs",
    "learning_rate": lambda value: f"lr {value:g}",
}
# Named only where the labels would be the same without them.
_LESSER = ("learning_rate", "momentum", "weight_decay", "step_size", "gamma", "epochs", "batch_size")


def arm_labels(settings: list[dict]) -> list[str]:
    """Return a short, distinct label for each of a study's settings: the architecture and what sets it apart."""
    keys = dict.fromkeys(key for point in settings for key in point)
    varying = [key for key in keys if len({repr(point.get(key)) for point in settings}) > 1]
    chosen = ["architecture"] + [key for key in varying if key not in (*_LESSER, "architecture")]
    lesser = [key for key in varying if key in _LESSER]
    labels = [_label(point, chosen) for point in settings]
    while lesser and len(set(labels)) < len(labels):
        chosen.append(lesser.pop(0))
        labels = [_label(point, chosen) for point in settings]
    return labels


def _label(point: dict, keys: list[str]) -> str:
    said = [_SAY.get(key, lambda value, key=key: f"{key.replace('_', ' ')} {value}") for key in keys]
    return ", ".join(say(point[key]) for say, key in zip(said, keys) if point.get(key) is not None)
