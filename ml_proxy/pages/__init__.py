"""The pages without JavaScript: the newest inferences, and a doctor's verdict."""
