"""A cluster's board of flows: who sends to whom, what is used, what waits, how long approvals take, and frozen figures."""
