"""Installs, starts, supervises and stops the system."""
