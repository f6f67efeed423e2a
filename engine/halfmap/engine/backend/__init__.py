"""The heavy arithmetic, behind one interface."""
