from bridgetune.testing import GeneratorConformance


class TestModifiedLaplacian(GeneratorConformance):
    name = "modified-laplacian"
    trained = "shipped"  # it has no weights, and decides right all the same


class TestSpatialFrequency(GeneratorConformance):
    name = "spatial-frequency"
    trained = "shipped"
