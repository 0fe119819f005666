from tests.support.small import folders

__all__ = ["folders"]
