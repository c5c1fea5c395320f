"""Policies: what a school, a cluster or the platform decides for itself; declared by features, dated, audited."""
