"""Attacks the two walls around statements with generated hostile SQL, each wall alone: see ADR 24."""
