"""Answers to the three people: the number, the explanation, the exports."""
