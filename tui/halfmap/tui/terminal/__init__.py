"""The terminal: what it can show, what is written to it, what comes from it, and its end."""
