"""Reading a job's large files (logs, maps, particles): in threads, and never the whole of a large one."""
