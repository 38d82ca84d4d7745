"""The report's prose: each file answers questions from the tables, in Markdown."""
