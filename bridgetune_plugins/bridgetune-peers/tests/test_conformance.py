from typing import ClassVar

from bridgetune.opening import create
from bridgetune.testing import GeneratorConformance
from bridgetune.testing.interpreter import global_settings
from bridgetune.testing.pairs import source_pairs


class TestSESF(GeneratorConformance):
    name = "sesf"


class OfTheSamePlugin(GeneratorConformance):
    """The kit; what takes an interpreter of its own is asked of one network, and of the others here."""

    test_registering_imports_no_torch = None  # one module registers all: TestSESF

    def test_creating_and_calling_change_no_global_setting(self) -> None:
        before = global_settings()
        create(self.name, weights=None, **self.options).eval()(*source_pairs(2, 64, 64))
        assert global_settings() == before


class TestGACN(OfTheSamePlugin):
    name = "gacn"


class TestIFCNN(OfTheSamePlugin):
    name = "ifcnn"
    options: ClassVar = {"width": 8}


class TestMFIFGAN(OfTheSamePlugin):
    name = "mfif-gan"
    options: ClassVar = {"width": 4, "blocks": 1}


class TestCNN(OfTheSamePlugin):
    name = "cnn"
    options: ClassVar = {"width": 4}


class TestECNN(OfTheSamePlugin):
    name = "ecnn"
    options: ClassVar = {"width": 4}
