"""Delivers job-completion webhooks, signed according to the Standard Webhooks specification.

Callers name the URL, so it is untrusted. `hosts` checks it against an allow-list; the outbound session checks that its
address is not private. `signing` signs the message, `sending` makes one attempt, and `deliveries` schedules retries.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""
