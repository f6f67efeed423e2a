"""The window on a log."""
