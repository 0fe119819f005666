from tests.integration.conftest import folders

__all__ = ["folders"]
