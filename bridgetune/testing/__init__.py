"""The conformance kit: the protocol's contract, as tests for a plugin to inherit. Needs pytest.

from bridgetune.testing import GeneratorConformance

class TestMyNet(GeneratorConformance):
    name = "mynet"
    options = {"width": 4}
"""

from bridgetune.testing.conformance import GeneratorConformance

__all__ = ["GeneratorConformance"]
