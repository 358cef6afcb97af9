"""Calls of a language model that speaks OpenAI's protocol: `calls.ask`. Each attempt is a sealed record.

calls        retries within one deadline, records
attempt      one call, its cost, its record
client       the official `openai` client, and its errors as ours; imported with the first question that needs it
"""
