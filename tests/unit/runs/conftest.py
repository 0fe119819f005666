from tests.support.run_folders import written

__all__ = ["written"]
