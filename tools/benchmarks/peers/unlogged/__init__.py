"""The gateway with its log switched off, to tell what the log costs. Not part of the product, and no setting of it."""
