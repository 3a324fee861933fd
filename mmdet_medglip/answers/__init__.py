"""What is answered, given scored boxes; no model code."""
