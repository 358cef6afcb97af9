"""Commands of desk photos."""
