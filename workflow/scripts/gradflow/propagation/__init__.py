"""Propagation of gradients through networks that are not trained."""
