"""Events for TensorBoard, read back with TensorBoard's own reader."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bridgetune.errors import RequestError, WorkError
from bridgetune.runs.tensorboard import SAMPLES, TensorBoard, tag
from tests.support.run_folders import step_record, validation


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()


def scalars(folder: Path, name: str) -> dict[int, float]:
    return {event.step: event.value for event in events(folder).Scalars(name)}


def picture(folder: Path, name: str) -> np.ndarray:
    (event,) = events(folder).Images(f"pictures/{name}")
    return np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))


def test_every_number_of_a_record_is_a_scalar_in_its_group(tmp_path: Path):
    board = TensorBoard(tmp_path)
    board.record(validation(0, 0.25, None))
    board.record(
        step_record(1, alpha=0.125, map_gradient_known=0.5, swap=0.01, edges=0.1, focal=None, dice=float("nan"))
    )
    board.close()
    assert set(events(tmp_path).Tags()["scalars"]) == {
        *("validation/map error", "validation/homogeneous share"),
        *("loss/loss", "loss/supervised", "loss/swap", "loss/edges"),
        *("loss/adversarial", "loss/adversarial clear", "loss/adversarial blurred"),
        *("discriminator/clear", "discriminator/blurred"),
        *("gradient/generator", "gradient/discriminator clear", "gradient/discriminator blurred"),
        *("gradient/at the map, known", "learning rate", "alpha", "seconds a step"),
    }
    assert scalars(tmp_path, "validation/map error") == {0: 0.25}
    assert scalars(tmp_path, "alpha") == {1: 0.125}


def test_no_two_names_share_a_tag():
    names = [
        *step_record(1),
        *validation(1, 0.1),
        "alpha",
        "map_mean",
        "map_gradient_known",
        "map_gradient_adversarial",
    ]
    assert len({tag(name) for name in names}) == len(set(names))


def test_a_resumed_run_purges_what_is_done_again(tmp_path: Path):
    board = TensorBoard(tmp_path)
    for step in range(1, 7):
        board.record({"step": step, "loss": 1.0})
    board.close()
    resumed = TensorBoard(tmp_path, first_step=5)
    for step in range(5, 9):
        resumed.record({"step": step, "loss": 2.0})
    resumed.close()
    assert scalars(tmp_path, "loss/loss") == {**dict.fromkeys(range(1, 5), 1.0), **dict.fromkeys(range(5, 9), 2.0)}


def test_pictures_show_samples_of_a_batch_side_by_side(tmp_path: Path):
    first = torch.zeros(6, 3, 100, 120)
    for sample, level in enumerate((0.0, 0.2, 0.4, 0.6, 0.8, 1.0)):
        first[sample, 0] = level
    board = TensorBoard(tmp_path)
    board.images(3, {"first": first, "map": torch.full((2, 1, 100, 120), 0.4)})
    board.close()
    shown = picture(tmp_path, "first")
    assert shown.shape == (100, SAMPLES * 120 + (SAMPLES - 1) * 4, 3)
    assert [int(shown[50, place * 124 + 60, 0]) for place in range(SAMPLES)] == [0, 51, 102, 153]
    assert picture(tmp_path, "map").shape[:2] == (100, 2 * 120 + 4)


def test_pictures_of_any_size_type_and_value(tmp_path: Path):
    board = TensorBoard(tmp_path)
    wild = torch.full((1, 3, 16, 16), 0.5)
    wild[..., 0, 0], wild[..., 0, 1], wild[..., 0, 2] = float("nan"), 7.0, -7.0
    board.images(
        1,
        {
            "scores": torch.tensor([0.2, 0.8]).view(2, 1, 1, 1),
            "half": torch.full((1, 1, 100, 100), 0.5, dtype=torch.bfloat16, requires_grad=True),
            "large": torch.full((1, 3, 1000, 500), 0.5),
            "wild": wild,
        },
    )
    board.close()
    scores = picture(tmp_path, "scores")
    assert scores.shape[0] >= 96
    assert (scores[0, 0], scores[0, -1]) == (pytest.approx(51, abs=1), pytest.approx(204, abs=1))
    assert picture(tmp_path, "half").min() == pytest.approx(127, abs=1)
    assert picture(tmp_path, "large").shape == (256, 128, 3)
    enlarged = picture(tmp_path, "wild")[:6, ::6, 0][0]
    assert enlarged[:4].tolist() == [0, 255, 0, pytest.approx(127, abs=1)]


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 2, 8, 8), (0, 3, 8, 8)])
def test_pictures_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]):
    board = TensorBoard(tmp_path)
    with pytest.raises(ValueError, match=r"expected \(B, 3 or 1, H, W\)"):
        board.images(1, {"map": torch.zeros(shape)})
    board.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="events for TensorBoard cannot be written"):
        TensorBoard(tmp_path / "file" / "events")


def test_without_tensorboard_one_line_says_so_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RequestError, match=r"pip install 'bridgetune\[train\]'"):
        TensorBoard(tmp_path / "events")
    assert not (tmp_path / "events").exists()


def test_neither_tensorflow_nor_torchvision_is_imported_and_nothing_is_printed(tmp_path: Path):
    """Both are made importable, and fail the program if they are imported."""
    for name in ("tensorflow", "torchvision"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported ' + __name__)")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import torch\n"
        "from pathlib import Path\n"
        "from bridgetune.runs.tensorboard import TensorBoard\n"
        f"board = TensorBoard(Path({str(tmp_path / 'events')!r}))\n"
        "board.record({'step': 1, 'loss': 1.0})\n"
        "board.images(1, {'map': torch.zeros(1, 1, 8, 8)})\n"
        "board.close()\n"
        "assert not {'tensorflow', 'torchvision'} & sys.modules.keys()\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert scalars(tmp_path / "events", "loss/loss") == {1: 1.0}
