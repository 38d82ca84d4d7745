"""The configuration: its sections, defaults and checks."""
