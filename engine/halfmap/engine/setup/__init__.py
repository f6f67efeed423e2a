"""From options and files to a refinement that can run."""
