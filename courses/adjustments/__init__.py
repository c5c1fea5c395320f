"""调停课: meetings that are moved, cancelled, made up or taught by somebody else."""
