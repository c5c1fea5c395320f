"""学分认定: what a course of another school counts as at home, said before anybody enrols."""
