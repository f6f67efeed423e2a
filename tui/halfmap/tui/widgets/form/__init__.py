"""The fields of the form, and what stands around them."""
