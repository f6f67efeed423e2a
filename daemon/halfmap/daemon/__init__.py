"""The daemon: watches job directories, leases cards and runs refinements."""
