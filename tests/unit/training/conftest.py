from tests.support.small import folders, generator, pairs, references

__all__ = ["folders", "generator", "pairs", "references"]
