"""The report: figures, prose, pages."""
