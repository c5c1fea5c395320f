"""学期选课安排: one plan of a cluster for one term, which its offerings follow or narrow."""
