"""`make llm`: fetches a small open language model and serves it on this machine by OpenAI's protocol."""
