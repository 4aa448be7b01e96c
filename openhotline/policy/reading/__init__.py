"""Dated TOML into the values the rules know, a file for each kind of value.

True here: a policy that loads is whole and consistent, and everything that is wrong in a file is a sentence. What is not
here: how one field is read (`policy/table.py`), which files there are and their digest (`openhotline/policy/__init__.py`),
and what follows from the values (`openhotline/rules`).
"""
