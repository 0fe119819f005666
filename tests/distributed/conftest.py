from tests.support.commands import undrawn
from tests.support.small import folders

__all__ = ["folders", "undrawn"]
