"""Claims, and the evidence that settles them."""
