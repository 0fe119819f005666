from tests.support.commands import logging_as_it_was
from tests.support.scenes import scenes

__all__ = ["logging_as_it_was", "scenes"]
