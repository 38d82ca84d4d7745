"""gradflow: measure and explain how gradients flow through deep networks.

The names below are loaded on first use, so that reading tables and drawing figures never waits for torch.
"""

from importlib import import_module

_HOME = {
    "GradflowError": "errors",
    "GradientRecorder": "recorder",
    "build": "models",
    "train": "training",
    "expand": "studies",
}
__all__ = sorted(_HOME)


def __getattr__(name):
    """Import a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'gradflow' has no attribute {name!r}")
    return getattr(import_module(f"gradflow.{_HOME[name]}"), name)
