"""Decision maps side by side: sources, ground truth, every generator's map, and the fused image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from bridgetune.data import SourceFiles, list_images, read_image, read_mask, sources_of, to_tensor
from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.evaluation.panels.heat_maps import heat_maps, overlaid
from bridgetune.inference import Undecided, fuse_files
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.paths import is_folder
from bridgetune.protocol import Generator


@dataclass(frozen=True)
class PanelPair:
    """A source pair and, where there is one, the file of its ground truth."""

    files: SourceFiles
    truth: Path | None

    @property
    def paths(self) -> list[Path]:
        """All of its files."""
        return [self.files.first, self.files.second, *([self.truth] if self.truth else [])]


def panel_pairs(folder: Path, images: Sequence[str] = ()) -> list[PanelPair]:
    """The pairs of `folder`, or those of the stems `images`, in that order.

    Args:
        folder: Holds `A/` and `B/`, and may hold `mask/`: white where A is in focus.
        images: Stems; none for all.

    Raises:
        RequestError: A missing folder, or a stem that has no pair.
    """
    found = {files.stem: files for files in sources_of(folder)}
    missing = [stem for stem in images if stem not in found]
    if missing:
        few = list(found)[:6]
        raise RequestError(
            f"--images: {folder} has no pair {missing[0]!r}; expected stems such as {', '.join(few)}"
            + (" …" if len(found) > len(few) else "")
        )
    truths = {path.stem: path for path in list_images(folder / "mask")} if is_folder(folder / "mask") else {}
    return [PanelPair(found[stem], truths.get(stem)) for stem in images or found]


def decision_rows(
    pairs: Sequence[PanelPair],
    generators: Mapping[str, Generator],
    recipe: FuseRecipe = "paper",
    layers: Sequence[str] = (),
    towards: Literal["A", "B"] = "A",
    undecided: Undecided = "settle",
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """A row of `panels` for each pair: its name, and pictures by the column's title.

    The columns are the sources, the ground truth where every pair has one, the generators' decision maps (white: A is
    in focus) and the image that the last one fuses. With a ground truth the row's name gives the share of wrong pixels.

    Args:
        pairs: See `panel_pairs`.
        generators: At least one, by label, `before` and `after` for example.
        recipe: See `FUSE_RECIPES`.
        layers: Of all generators; each adds a column with its Grad-CAM heat map, see `heat_maps`.
        towards: Whether the heat maps explain what was decided for A, or for B; they lie over that source.
        undecided: See `Undecided`. Heat maps are the network's alone.

    Raises:
        RequestError: A file cannot be read, sizes that differ, or a layer that cannot be shown.
    """
    with_truth = all(pair.truth is not None for pair in pairs)
    for pair in pairs:
        stem, first, second = pair.files
        row = {"source A": read_image(first).tensor(), "source B": read_image(second).tensor()}
        errors = []
        truth = read_mask(pair.truth) if with_truth and pair.truth is not None else None
        if truth is not None:
            if truth.shape[-2:] != row["source A"].shape[-2:]:
                raise RequestError(f"{pair.truth}: its size is not the sources'; expected {first}'s")
            row["true map (white is A)"] = truth
        for label, generator in generators.items():
            of = f": {label}" if len(generators) > 1 else ""
            fusion = fuse_files(generator, first, second, recipe, undecided, "keep", blend="none")
            assert fusion.decision is not None  # a generator's
            decision = torch.from_numpy(fusion.decision)[None]
            row[f"map (white is A){of}"] = decision
            if truth is not None:
                wrong = ((decision >= 0.5) != (truth >= 0.5)).float().mean()
                errors.append(f"{label} {float(wrong):.2%}" if of else f"{float(wrong):.2%}")
            if layers:
                for layer, heat in _heat(generator, row, layers, towards).items():
                    row[f"Grad-CAM for {towards}, {layer}{of}"] = overlaid(row[f"source {towards}"], heat)
        row[f"fused{of}"] = to_tensor(fusion.pixels)
        yield stem + (f"   wrong pixels: {', '.join(errors)}" if errors else ""), row


def _heat(
    generator: Generator, row: Mapping[str, Tensor], layers: Sequence[str], towards: Literal["A", "B"]
) -> dict[str, Tensor]:
    """Layer -> (1, H, W)."""
    device = device_of(generator)
    pair = row["source A"][None].to(device), row["source B"][None].to(device)
    found = heat_maps(generator, *pair, layers, "first" if towards == "A" else "second")
    return {layer: heat[0].cpu() for layer, heat in found.items()}
