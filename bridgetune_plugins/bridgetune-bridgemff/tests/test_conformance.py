from typing import ClassVar

from bridgetune.testing import GeneratorConformance


class TestBridgeMFF(GeneratorConformance):
    name = "bridgemff"


class TestBridgeMFFWithLongMemory(GeneratorConformance):
    name = "bridgemff"
    options: ClassVar = {"initialisation": "mamba"}
    trained = "shipped"
