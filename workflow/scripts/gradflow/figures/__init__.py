"""Figures: one function each, tidy tables in, a matplotlib Figure out. gradflow.figures.style is their one style."""
