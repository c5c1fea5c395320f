"""Schools, departments, clusters and their memberships over time."""
