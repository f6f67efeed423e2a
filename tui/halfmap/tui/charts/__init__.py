"""Charts apart from any terminal: what is drawn, where, and with which glyphs; pure functions."""
