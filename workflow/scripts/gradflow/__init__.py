"""gradflow: measure and explain how gradients flow through deep networks.

The names below are loaded on first use, so that reading tables and drawing figures never waits for torch.
"""

import sys
from importlib import import_module

from gradflow.extras import MissingExtra

__version__ = "0.1.0"  # pyproject.toml reads it here

HOME = {
    "Architecture": "models.catalogue",
    "GradflowError": "errors",
    "GradientRecorder": "recorder.recorder",
    "Recording": "recorder.recording",
    "build": "models.build",
    "explain": "propagation.explain",
    "train": "training.loop",
    "expand": "studies",
}
__all__ = sorted(HOME)

sys.meta_path.append(MissingExtra)


def __getattr__(name):
    """Import a public name from its module on first use."""
    if name not in HOME:
        raise AttributeError(f"module 'gradflow' has no attribute {name!r}")
    return getattr(import_module(f"gradflow.{HOME[name]}"), name)
