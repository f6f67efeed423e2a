"""Widgets, each a part of the domain."""
