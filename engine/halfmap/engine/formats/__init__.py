"""Files: MRC, STAR and what RELION keeps in them."""
