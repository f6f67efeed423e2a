"""What a run tells while it runs: RELION's log lines, a progress bar, progress records."""
