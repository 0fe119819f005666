"""Which backend scans: what is chosen, what is said, and what is refused."""

import logging
import sys
import types

import pytest
import torch
from torch import Tensor

from bridgetune.errors import RequestError
from bridgetune_bridgemff import native
from bridgetune_bridgemff.scan import VARIABLE, backends, blocked, mamba_ssm, report, selective_scan
from bridgetune_bridgemff.scan.arguments import Arguments
from bridgetune_bridgemff.scan.backends import BACKENDS, chosen

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_chosen_yet(monkeypatch):
    """No choice is remembered from another test, nor set from outside."""
    monkeypatch.delenv(VARIABLE, raising=False)
    remembered = (
        *(native.library, mamba_ssm._check),
        *(backends._first_that_runs, backends._checked, backends._say),
    )
    for function in remembered:
        function.cache_clear()
    yield
    monkeypatch.undo()
    for function in remembered:
        function.cache_clear()


@pytest.fixture
def no_library(monkeypatch, tmp_path):
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "absent.so")
    monkeypatch.setattr(native, "LEFT_OUT", tmp_path / "left_out.txt")
    (tmp_path / "left_out.txt").write_text("no C compiler was found\n", encoding="utf-8")


def arguments(dtype: torch.dtype = torch.float32) -> Arguments:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(dtype)

    return Arguments(
        *(drawn(2, 50, 8), drawn(2, 50, 8), -drawn(8, 16).exp(), drawn(2, 50, 16), drawn(2, 50, 16), drawn(8)),
        *(drawn(2, 50, 8), drawn(8)),
    )


def test_auto_takes_the_library_where_there_is_one():
    if native.problem():
        pytest.skip(native.problem())
    assert chosen("auto", CPU, torch.float32) is BACKENDS["native"]
    assert report(CPU) == "native: compiled C, vectors and threads"


def test_without_a_library_torch_runs_and_why_is_said(no_library):
    assert chosen("auto", CPU, torch.float32) is BACKENDS["torch"]
    assert report(CPU) == "torch: torch operations; not native: no C compiler was found"


def test_a_backend_asked_for_by_name_and_missing_is_an_error(no_library):
    with pytest.raises(RequestError, match=r"backend=native: .*cannot run.*no C compiler was found.*use auto"):
        selective_scan(*arguments(), backend="native")


def test_the_variable_decides_what_auto_means(monkeypatch):
    monkeypatch.setenv(VARIABLE, "torch")
    assert chosen("auto", CPU, torch.float32) is BACKENDS["torch"]
    assert report(CPU).startswith("torch (set by BRIDGETUNE_SCAN)")


def test_an_argument_outranks_the_variable(monkeypatch):
    monkeypatch.setenv(VARIABLE, "torch")
    assert chosen("reference", CPU, torch.float32) is BACKENDS["reference"]


@pytest.mark.parametrize("name", ["cuda", "fastest"])
def test_a_variable_that_names_what_is_not_there_is_an_error(name, monkeypatch):
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(RequestError, match=f"BRIDGETUNE_SCAN={name}: "):
        selective_scan(*arguments())
    assert report(CPU).startswith(f"BRIDGETUNE_SCAN={name}: ")


def test_float64_is_scanned_by_torch_operations_and_never_rounded():
    assert chosen("auto", CPU, torch.float64) is BACKENDS["torch"]
    with pytest.raises(RequestError, match=r"native.*float32, not in float64"):
        selective_scan(*arguments(torch.float64), backend="native")


def test_the_choice_is_logged_once(caplog):
    with caplog.at_level(logging.INFO, logger="bridgetune"):
        logging.getLogger("bridgetune").propagate = True
        selective_scan(*arguments(), backend="torch")
        selective_scan(*arguments(), backend="torch")
    assert [record.getMessage() for record in caplog.records] == ["selective scan on cpu: torch (torch operations)"]


def test_a_library_of_another_version_is_not_used(monkeypatch):
    if native.problem():
        pytest.skip(native.problem())
    native.library.cache_clear()
    monkeypatch.setattr(native, "ABI", native.ABI + 1)
    assert "another version" in native.problem()


def test_a_file_that_is_no_library_is_not_used(monkeypatch, tmp_path):
    (tmp_path / "broken.so").write_bytes(b"not a library")
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "broken.so")
    assert "broken.so" in native.problem()
    assert chosen("auto", CPU, torch.float32) is BACKENDS["torch"]


class MambaStandIn:
    """mamba-ssm's autograd function, channels before tokens, in torch operations; `factor` 1 where it is right."""

    factor = 1.0

    @classmethod
    def forward(cls, ctx, u, delta, A, B, C, D, z, delta_bias, delta_softplus):
        assert delta_softplus == (delta_bias is not None)
        turned = Arguments(u, delta, A, B, C, D, z, delta_bias).map(lambda x: x.mT if x.ndim == 3 else x)
        y, kept = blocked.forward(turned, keep=True)
        ctx.save_for_backward(*turned, kept)
        return y.mT * cls.factor

    @staticmethod
    def backward(ctx, grad_y):
        *given, kept = ctx.saved_tensors
        gradients = blocked.backward(Arguments(*given), grad_y.mT, kept)
        return (*gradients.map(lambda x: x.mT if x.ndim == 3 else x), None, None, None)


@pytest.fixture
def mamba(monkeypatch):
    function = type("SelectiveScanFn", (MambaStandIn,), {})
    interface = types.ModuleType("mamba_ssm.ops.selective_scan_interface")
    interface.SelectiveScanFn = function
    for module in ("mamba_ssm", "mamba_ssm.ops", "selective_scan_cuda"):
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    return function


def test_mamba_ssm_is_spoken_to_in_its_own_layout(mamba):
    assert mamba_ssm.problem(CPU) == ""
    given = arguments()
    y, kept = mamba_ssm.forward(given, keep=True)
    expected, carried = blocked.forward(given, keep=True)
    torch.testing.assert_close(y, expected)
    grad_y = torch.ones_like(y)
    wanted = blocked.backward(given, grad_y, carried)
    for found, gradient in zip(mamba_ssm.backward(given, grad_y, kept), wanted, strict=True):
        torch.testing.assert_close(found, gradient)


def test_mamba_ssm_that_computes_something_else_is_not_used(mamba):
    mamba.factor = 1.01
    assert mamba_ssm.problem(CPU) == "mamba-ssm's kernel is off by 0.01 in y on a small scan"


def test_mamba_ssm_without_its_compiled_kernel_is_not_used(mamba, monkeypatch):
    monkeypatch.setitem(sys.modules, "selective_scan_cuda", None)
    assert mamba_ssm.problem(CPU).startswith("mamba-ssm's kernel does not import (ModuleNotFoundError")


def test_mamba_ssm_that_fails_on_this_device_is_not_used(mamba, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("no kernel image is available\nfor execution on the device")

    monkeypatch.setattr(mamba, "forward", fail)
    assert mamba_ssm.problem(CPU) == (
        "mamba-ssm's kernel fails (RuntimeError: no kernel image is available for execution on the device)"
    )
