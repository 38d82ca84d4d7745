"""Data sets: sources turn what a user has into arrays once; training reads the arrays."""
