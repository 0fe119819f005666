from tests.support.commands import logging_as_it_was, undrawn
from tests.support.small import folders, generator, pairs, references

__all__ = ["folders", "generator", "logging_as_it_was", "pairs", "references", "undrawn"]
