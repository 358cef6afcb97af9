"""The gateway with its log switched off: shows the cost of the log. No setting of the product does this."""
