"""The fault campaign: real processes under steady load, faults at random, and then the count of what became of it.

`plan` says what shall happen, `faults` makes it happen to the `stage`, `clients` ask and take notes, `verdict` compares
their notes with the rows.
"""
