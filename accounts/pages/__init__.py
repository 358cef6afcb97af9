"""The pages for people: sign-in, sign-out and one's own account."""
