"""HTTP views of desk photos."""
