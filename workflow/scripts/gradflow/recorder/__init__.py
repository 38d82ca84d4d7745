"""The recorder of gradients, and the quantities that it measures: torch and numpy alone."""
