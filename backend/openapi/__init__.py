"""Completes the OpenAPI description: engines, introduction, errors, examples, and words that mean the same everywhere.

What concerns one operation or one field stands with its view or serializer, and wins. Here is the rest:

    introduction.md   how to sign in, what an error is, how pages and retries work
    engines.yaml      the groups of operations, by their paths
    fields.yaml       fields and parameters, by `Schema.field`, or by `field` if it means the same everywhere
    answers.yaml      errors of single operations, by `operationId`
    examples.yaml     examples, by `operationId`
"""

from backend.openapi.completion import complete

__all__ = ["complete"]
