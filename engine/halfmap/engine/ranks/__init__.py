"""One process or several over MPI."""
