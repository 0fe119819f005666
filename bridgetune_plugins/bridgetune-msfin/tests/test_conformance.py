from typing import ClassVar

from bridgetune.testing import GeneratorConformance


class TestMSFIN(GeneratorConformance):
    name = "msfin"
    options: ClassVar = {"widths": [8, 16, 32, 64]}
    auxiliary_parameters = ("heads.[123].*",)
