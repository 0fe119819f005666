from tests.support.terms import registering

__all__ = ["registering"]
