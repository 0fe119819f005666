"""Exported files: the network's own answers, in a runtime that knows nothing of bridgetune; or one line and no file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import bridgetune
from bridgetune import Adapter, AdapterConfig, RequestError, WorkError, create, wrap
from bridgetune.exporting import FORMATS, FormatName, export, exporter, least_side
from bridgetune.exporting.tracing import trace
from bridgetune.testing.networks import stir
from bridgetune_bridgemff.mamba import ParallelVisionMamba

SMALL = {"bridgemff": {}, "msfin": {"widths": (4, 8, 12, 16)}, "drpl": {"width": 8, "blocks": 2}}
"""Options that make a plugin's network small; BridgeMFF is."""


def generator(name: str) -> Adapter:
    torch.manual_seed(0)
    made = create(name, weights=None, **SMALL[name])
    stir(made.unwrap(), 0.1, seed=0)
    return made.eval()


def pair(batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    random_numbers = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, batch, 3, height, width, generator=random_numbers)
    return first, second


def opened(path: Path) -> Callable[[Tensor, Tensor], Tensor]:
    """The file as a user without bridgetune opens it."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return lambda first, second: torch.from_numpy(
            session.run(["logits"], {"first": first.numpy(), "second": second.numpy()})[0]
        )
    if path.suffix == ".xml":
        import openvino

        compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda first, second: torch.from_numpy(
            compiled({"first": first.numpy(), "second": second.numpy()})["logits"].copy()
        )
    return torch.export.load(path).module()


def assert_same_map(path: Path, made: Adapter, *sizes: tuple[int, int, int]) -> None:
    """For a pair of each size (B, H, W), and for the same pair in the other order."""
    assert_same_answers(opened(path), made, *sizes)


def assert_same_answers(
    program: Callable[[Tensor, Tensor], Tensor], made: Adapter, *sizes: tuple[int, int, int]
) -> None:
    for size in sizes:
        first, second = pair(*size)
        for one, other in ((first, second), (second, first)):
            with torch.inference_mode():
                own = made(one, other).clone()
            torch.testing.assert_close(program(one, other).detach().sigmoid(), own.sigmoid(), rtol=0, atol=1e-4)
        assert (made(first, second) - made(second, first)).abs().max() > 1e-2, "the order of the images matters"


@pytest.mark.parametrize(
    ("name", "format"),
    [
        *(pytest.param("bridgemff", format, marks=pytest.mark.slow) for format in ("onnx", "openvino")),
        *(("drpl", format) for format in FORMATS),
        ("msfin", "onnx"),
    ],
)
def test_a_file_of_one_size_answers_as_the_network(name: str, format: FormatName, tmp_path: Path):
    made, path = generator(name), tmp_path / f"it{FORMATS[format].suffix}"
    size = (30, 64)  # not a multiple of BridgeMFF's 32
    done = export(made, path, format, size=size)
    assert (done.size, done.fallback) == (size, "")
    assert done.difference <= 1e-4
    assert_same_map(path, made, (1, *size))


@pytest.mark.parametrize(("name", "format"), [*(("drpl", format) for format in FORMATS), ("msfin", "torch")])
def test_a_file_for_any_size_answers_as_the_network_at_all_of_them(name: str, format: FormatName, tmp_path: Path):
    made, path = generator(name), tmp_path / f"it{FORMATS[format].suffix}"
    assert export(made, path, format).size == "dynamic"
    least = least_side(made.config)
    assert_same_map(path, made, (1, least, 50), (2, 41, least), (3, 64, 64))


@pytest.mark.slow
def test_bridgemff_is_traced_for_any_size():
    """Its scan is then a loop, its padding to multiples of 32 within; what a runtime makes of a scan is below."""
    made = generator("bridgemff")
    assert least_side(made.config) == 33
    program = trace(made, "dynamic", bridgetune.plugins.registry().operators()).module()
    assert_same_answers(program, made, (1, 33, 40), (2, 35, 70))


class Scanning(nn.Module):
    """What of BridgeMFF is hard to translate, in a hundredth of the time: a scan, on an eighth of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.scan = nn.Conv2d(6, 8, 8, stride=8), ParallelVisionMamba(8, 4)
        self.up = nn.ConvTranspose2d(4, 1, 8, stride=8)

    def forward(self, pair: Tensor) -> Tensor:
        return self.up(self.scan(self.down(pair)))


def test_a_scan_is_exported_for_any_size(tmp_path: Path):
    torch.manual_seed(0)
    made, path = wrap(Scanning(), AdapterConfig(call="concat", multiple=8)), tmp_path / "it.onnx"
    assert export(made, path, "onnx").size == "dynamic"
    assert_same_map(path, made.eval(), (1, 33, 40), (2, 64, 75))


def test_a_long_scan_of_one_size_is_exported_in_parts(tmp_path: Path):
    torch.manual_seed(0)
    made, path = wrap(Scanning(), AdapterConfig(call="concat", multiple=8)), tmp_path / "it.onnx"
    size = (200, 400)  # 1,250 tokens
    assert export(made, path, "onnx", size=size).difference <= 1e-4
    assert_same_map(path, made.eval(), (1, *size))


@pytest.mark.slow
def test_a_program_of_bridgemff_runs_without_its_operators(tmp_path: Path):
    made, (first, second) = generator("bridgemff"), pair(1, 40, 50)
    export(made, tmp_path / "it.pt2", "torch", size=(40, 50))
    torch.save((first, second), tmp_path / "pair.pt")
    torch.save(made(first, second).detach(), tmp_path / "own.pt")
    program = (
        "import torch; module = torch.export.load('it.pt2').module();"
        " logits = module(*torch.load('pair.pt')); assert (logits - torch.load('own.pt')).abs().max() < 1e-3"
    )
    without_bridgetune(program, tmp_path)


class Unusual(nn.Module):
    """Gray, standardised, concatenated, channels last, a probability of the second image, sides that divide by 4; shown
    at two sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 4, 3, padding=1)
        self.down, self.up = nn.MaxPool2d(4), nn.Upsample(scale_factor=4)

    def forward(self, pair: Tensor) -> dict[str, Tensor]:
        x = self.convolution(pair.permute(0, 3, 1, 2))
        x = (x + self.up(self.down(x))).mean(1, keepdim=True)
        return {"map": torch.sigmoid(x).permute(0, 2, 3, 1)}


def unusual() -> Adapter:
    torch.manual_seed(0)
    config = AdapterConfig(
        call="concat",
        keywords=("pair",),
        layout="channels last",
        color="gray",
        value_range=(0, 255),
        mean=(100.0,),
        std=(60.0,),
        item="map",
        output="probability",
        orientation="second",
        multiple=4,
        mirrored=True,
        scales=(2, 1, 1 / 2),
    )
    return wrap(Unusual(), config).eval()


@pytest.mark.parametrize("format", FORMATS)
def test_all_that_the_adapter_does_is_in_the_file(format: FormatName, tmp_path: Path):
    made, path = unusual(), tmp_path / f"it{FORMATS[format].suffix}"
    export(made, path, format, size="dynamic")
    assert_same_map(path, made, (1, 9, 17), (2, 32, 31))


def test_a_file_says_what_it_takes_and_answers(tmp_path: Path):
    made, facts = unusual(), {}
    for format, kind in FORMATS.items():
        facts[format] = export(made, tmp_path / f"it{kind.suffix}", format, size=(8, 12)).facts
    assert facts["onnx"] == facts["openvino"] == facts["torch"]
    expected = facts["onnx"]
    assert expected["sizes"] == "B, H, W: 1, 8, 12"

    import onnxruntime
    import openvino

    assert onnxruntime.InferenceSession(tmp_path / "it.onnx").get_modelmeta().custom_metadata_map == expected
    model = openvino.Core().read_model(tmp_path / "it.xml")
    assert {name: model.get_rt_info(["bridgetune", name]).astype(str) for name in expected} == expected
    extra = {"bridgetune.json": ""}
    torch.export.load(tmp_path / "it.pt2", extra_files=extra)
    assert expected["inputs"] in extra["bridgetune.json"]
    for path in tmp_path.iterdir():
        assert str(Path(bridgetune.__file__).parent).encode() not in path.read_bytes(), (
            "no lines of code of this machine"
        )


def test_the_generator_is_left_as_it_was(tmp_path: Path):
    made = generator("drpl").train()
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    export(made, tmp_path / "it.pt2", "torch", size=(8, 8))
    assert made.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.state_dict().items())


@torch.library.custom_op("bridgetune_test::halved", mutates_args=())
def halved(x: Tensor) -> Tensor:
    return x.clone() / 2


@halved.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class OwnOperator(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return halved(first - second).mean(1, keepdim=True)


def with_operators(monkeypatch: pytest.MonkeyPatch, stand_in: Callable[[Tensor], Tensor] | None) -> Adapter:
    """A network with an operator of its own, and a plugin that says what stands for it."""
    operators = {} if stand_in is None else {torch.ops.bridgetune_test.halved.default: stand_in}
    found = bridgetune.plugins.Registry((bridgetune.plugins.Plugin("own", "own", "1", operators=lambda: operators),))
    monkeypatch.setattr(exporter, "registry", lambda: found)
    return wrap(OwnOperator(), AdapterConfig())


@pytest.mark.parametrize("format", FORMATS)
def test_what_stands_for_a_plugins_operator_is_in_the_file(
    format: FormatName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made, path = with_operators(monkeypatch, lambda x: x * 0.5), tmp_path / f"it{FORMATS[format].suffix}"
    export(made, path, format)
    assert_same_map(path, made, (2, 9, 12))


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_answers_otherwise_is_not_kept(format: FormatName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made, path = with_operators(monkeypatch, lambda x: x * 0.6), tmp_path / f"it{FORMATS[format].suffix}"
    with pytest.raises(WorkError, match=r"off by \d\.\de-0\d, more than 1e-04"):
        export(made, path, format, size=(8, 8))
    assert not list(tmp_path.iterdir())
    assert export(made, path, format, size=(8, 8), tolerance=0.1).difference > 1e-4


def test_an_operator_that_nothing_stands_for_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = with_operators(monkeypatch, None)
    with pytest.raises(WorkError, match=r"bridgetune_test::halved.*bridgetune_operators"):
        export(made, tmp_path / "it.pt2", "torch", size=(8, 8))
    assert not list(tmp_path.iterdir())


class OfOneSize(nn.Module):
    """Takes 256×256 and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(256, 256))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second).mean(1, keepdim=True) * self.position


def test_sizes_are_fixed_where_they_cannot_be_left_open(tmp_path: Path):
    made = wrap(OfOneSize(), AdapterConfig())
    done = export(made, tmp_path / "it.onnx", "onnx")
    assert done.size == (256, 256)
    assert "OfOneSize cannot be exported to onnx for images of any size (RuntimeError" in done.fallback
    assert_same_map(done.path, made, (1, 256, 256))
    with pytest.raises(WorkError, match="for images of any size"):
        export(made, tmp_path / "open.onnx", "onnx", size="dynamic")


class Undecided(nn.Module):
    """What it does depends on what it sees."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second if first.mean() > 0.5 else second - first).mean(1, keepdim=True)


@pytest.mark.parametrize("format", FORMATS)
def test_a_network_that_cannot_be_exported_is_told_in_a_line(format: FormatName, tmp_path: Path):
    with pytest.raises(WorkError, match=f"Undecided cannot be exported to {format} for 8x8 \\(") as raised:
        export(wrap(Undecided(), AdapterConfig()), tmp_path / f"it{FORMATS[format].suffix}", format, size=(8, 8))
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for package, format, extra in (("onnxscript", "onnx", "export"), ("openvino", "openvino", "openvino")):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, package, None)
            with pytest.raises(WorkError, match=rf"{package} is not installed; pip install 'bridgetune\[{extra}\]'"):
                export(generator("drpl"), tmp_path / f"it{FORMATS[format].suffix}", format)


def test_a_generator_of_another_precision_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match=r"float64 on cpu.*generator\.cpu\(\)\.float\(\)"):
        export(generator("drpl").double(), tmp_path / "it.pt2", "torch")


def without_bridgetune(program: str, folder: Path) -> None:
    """Run it in an interpreter that cannot import bridgetune or its plugins."""
    names = ("bridgetune", "bridgetune_bridgemff", "bridgetune_msfin", "bridgetune_drpl")
    blocked = f"import sys; sys.modules.update(dict.fromkeys({names!r}))\n"
    finished = subprocess.run([sys.executable, "-c", blocked + program], cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
