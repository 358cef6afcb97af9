"""The way out: an ended job told to the URL that its caller named, signed as Standard Webhooks specify.

The URL is a stranger's word. `hosts` holds it to an allow-list, `addresses` and `network` to addresses that are no way
into the inside, `signing` proves who speaks, and `sending` does one try.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""
