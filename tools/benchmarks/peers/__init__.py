"""What the gateway is measured against, and the gateway with its log switched off."""
