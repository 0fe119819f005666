from tests.support.collecting import little_to_collect

__all__ = ["little_to_collect"]
