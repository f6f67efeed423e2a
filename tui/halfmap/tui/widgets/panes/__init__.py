"""The panes of a job, and how they share the screen."""
