from typing import ClassVar

from bridgetune.testing import GeneratorConformance


class TestDRPL(GeneratorConformance):
    name = "drpl"
    options: ClassVar = {"width": 8, "blocks": 1}
