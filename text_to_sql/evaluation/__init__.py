"""How well questions are answered: a published set of questions, and its evaluation by model and prompt version."""
