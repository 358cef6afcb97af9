"""HTTP views of questions in SQL."""
