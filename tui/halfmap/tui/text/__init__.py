"""Words and figures, as pure functions: nothing here knows a widget."""
