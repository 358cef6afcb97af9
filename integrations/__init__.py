"""Other systems that follow what is recorded here."""
