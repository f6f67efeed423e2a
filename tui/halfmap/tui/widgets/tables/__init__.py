"""Lists of jobs, cards and projects."""
