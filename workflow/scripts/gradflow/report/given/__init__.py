"""What figures are given: one file an argument, with its name, which reads it for one picture."""
