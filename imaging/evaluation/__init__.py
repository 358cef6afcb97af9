"""A labelled set for the desk classifier: scenes composed of free cut-outs. They are drawings, not photographs.

scenes     composes a scene from a seed
cutouts/   the cut-outs: Fluent Emoji by Microsoft, MIT licence
measures   accuracy, precision and recall with intervals, and the choice of a threshold
"""
