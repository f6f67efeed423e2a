"""The form of a job, apart from any widget: what is filled in, what was found, how it is run, and the editor."""
