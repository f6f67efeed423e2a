"""The terminal interface: shows, edits and follows refinements; talks to the daemon's client only."""
