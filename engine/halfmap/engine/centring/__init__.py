"""Where a structure lies, relative to a mask or to another map."""
