"""What `pretrain` and `finetune` share: the run, its network and its pictures, as the options name them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridgetune.cli.console import RESULTS, percent, print_json, pushes
from bridgetune.cli.options import (
    PICTURES,
    Called,
    Generator,
    Json,
    Mirrored,
    Option,
    Scales,
    Symmetric,
    Trust,
    Weights,
    WeightsKey,
    adapter_settings,
    check_network,
    check_pairs,
    check_pictures,
    folder,
    given_options,
)
from bridgetune.cli.progress import TrainingProgress
from bridgetune.config import AUGMENTATIONS, NO_AUGMENTATION, RECIPES, Augmentation, TrainConfig
from bridgetune.config.bounds import Megabytes, limits
from bridgetune.errors import RequestError

if TYPE_CHECKING:
    from bridgetune.data import PairSource, References, UnlabelledPairs
    from bridgetune.training import TrainingResult
    from bridgetune.wrapping import Adapter


@dataclass(frozen=True)
class Run:
    """Where a run is kept, and how it is told of."""

    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The run's folder.")]
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, or start it.")] = False
    as_json: Json = False

    def check(self) -> None:
        """Raise `RequestError` where a process has the folder, or it is in use and the run is not to be resumed."""
        from bridgetune.locking import refuse_held
        from bridgetune.runs.directory import RunDirectory

        if int(os.environ.get("RANK", "0")) == 0:  # the first of several processes has it for all
            refuse_held(self.out)
        RunDirectory(self.out).check(self.resume)

    def carry_out(self, stage: str, train: Callable[..., TrainingResult]) -> None:
        """Run a stage under a progress bar and print what came of it.

        Args:
            stage: Its verb.
            train: The stage, of all but `run_dir`, `resume` and `report`.
        """
        with TrainingProgress() as progress:
            result = train(run_dir=self.out, resume=self.resume, report=progress.of(stage))
        if int(os.environ.get("RANK", "0")) > 0:
            return  # the first of several processes speaks for all
        if self.as_json:
            print_json(summary(result))
        else:
            _show(result, self.out)


@dataclass(frozen=True)
class Network:
    """The generator that is trained."""

    generator: Generator = "bridgemff"
    weights: Weights = None
    weights_key: WeightsKey = ""
    trust_code: Trust = False
    symmetric: Symmetric = None
    mirrored: Mirrored = None
    scales: Scales = None
    option: Option = None
    adapter: Called = None

    def check(self) -> None:
        """Raise `RequestError` where no plugin has it, or there are no such weights."""
        check_network(self.generator, self.weights)

    def opened(self, weights: str | None) -> Adapter:
        """The generator.

        Args:
            weights: What it starts from where `--weights` is not given; see `open_generator`.
        """
        from bridgetune.opening import open_generator

        asked = self.symmetric, self.mirrored, self.scales
        return open_generator(
            self.generator,
            self.weights or weights,
            *asked,
            given_options(self.option),
            trust=self.trust_code,
            weights_key=self.weights_key,
            adapter=adapter_settings(self.adapter),
        )


@dataclass(frozen=True)
class Pictures:
    """The pairs that are trained on."""

    images: Annotated[Path | None, folder("All-in-focus photographs to make pairs from.")] = None
    masks: Annotated[Path | None, folder("Their masks, of the same stems: white is in focus first.")] = None
    pairs: Annotated[Path | None, folder("Ready pairs instead: a folder with A/, B/ and mask/.")] = None
    val_images: Annotated[Path | None, folder("Held-out photographs. Default: a share of the pairs.")] = None
    val_masks: Annotated[Path | None, folder("The held-out photographs' masks.")] = None
    cache: Annotated[
        int,
        typer.Option(metavar="MB", help="Memory for decoded images.", rich_help_panel=PICTURES, **limits(Megabytes)),
    ] = 2048

    @property
    def named(self) -> bool:
        """Whether there are any."""
        return bool(self.images or self.masks or self.pairs)

    def check(self, needed: bool = True) -> None:
        """Refuse, before torch is waited for, what could not be read.

        Args:
            needed: Whether there have to be any.

        Raises:
            RequestError: The options name no pairs, more than one kind, or half of what it takes; or there are no such
                folders.
        """
        photographs, masks, pairs = (path is not None for path in (self.images, self.masks, self.pairs))
        if photographs != masks or (photographs and pairs) or (needed and not self.named):
            raise RequestError(
                "training pairs: expected --images DIR --masks DIR, or --pairs DIR with A/, B/ and mask/"
            )
        if (self.val_images is None) != (self.val_masks is None):
            raise RequestError("held-out pairs: expected both --val-images DIR and --val-masks DIR")
        check_pictures(self.images, self.masks, self.val_images, self.val_masks)
        check_pairs(self.pairs)

    def opened(self, config: TrainConfig) -> OpenPictures:
        """The same, as the settings want them."""
        return OpenPictures(self, config)


class OpenPictures:
    """A run's pictures, all in one cache and one framing.

    Args:
        named: The folders, checked.
        config: The stage's settings.
    """

    def __init__(self, named: Pictures, config: TrainConfig) -> None:
        from bridgetune.data import PixelCache

        self._named, self._config = named, config
        self._framing: dict[str, Any] = {"size": config.size, "fit": config.fit, "cache": PixelCache(named.cache)}
        self._flips = RECIPES[config.recipe].flips

    def pairs(self) -> PairSource:
        """What is trained on."""
        from bridgetune.data import FolderPairs

        if self._named.pairs is not None:
            return FolderPairs(self._named.pairs, flips=self._flips, **self._framing)
        images, masks = self._named.images, self._named.masks
        assert images is not None
        assert masks is not None
        return self._made(images, masks, self._flips, AUGMENTATIONS[self._config.augmentation])

    def held_out(self) -> PairSource | None:
        """What is validated on; None where a share of the pairs is to be."""
        images, masks = self._named.val_images, self._named.val_masks
        if images is None or masks is None:
            return None
        return self._made(images, masks, False, NO_AUGMENTATION)

    def references(self, clear: Path, blurred: Path) -> References:
        """What stage 2 shows its discriminators as real."""
        from bridgetune.data import References

        return References.from_folders(clear, blurred, flips=self._flips, **self._framing)

    def unlabelled(self, pairs: Path) -> UnlabelledPairs:
        """Pairs without masks."""
        from bridgetune.data import UnlabelledPairs

        return UnlabelledPairs(pairs, flips=self._flips, **self._framing)

    def _made(self, images: Path, masks: Path, flips: bool, augmentation: Augmentation) -> PairSource:
        from bridgetune.data import SyntheticPairs

        kernels = self._config.kernel_sizes
        return SyntheticPairs(
            images, masks, flips=flips, kernel_sizes=kernels, augmentation=augmentation, **self._framing
        )


def summary(result: TrainingResult) -> dict[str, Any]:
    """A result as a JSON document."""
    errors = result.validation
    return {
        "steps": result.steps,
        "stopped_early": result.stopped_early,
        "run": str(result.run_dir),
        "generator": str(result.run_dir / "generator") if result.run_dir else None,
        "map_error": errors.map_error if errors else None,
        "homogeneous_error": errors.homogeneous_error if errors and errors.homogeneous_pixels else None,
    }


def _show(result: TrainingResult, out: Path) -> None:
    from bridgetune.runs.directory import RunDirectory
    from bridgetune.runs.history import History

    early = ", stopped early (--patience), and back at the best" * result.stopped_early
    steps = f"{result.steps:,} step{'s' * (result.steps != 1)}{early}"
    RESULTS.print(f"{steps}; the generator is in {out / 'generator'}", markup=False)
    if result.validation is not None:
        history = History(RunDirectory(out))
        before = percent(history.first_map_error)
        RESULTS.print(f"held-out map error {before} → {percent(result.validation.map_error)}", markup=False)
        if history.pushes():
            said = {name: " → ".join(dict.fromkeys(map(percent, both))) for name, both in history.pushes().items()}
            RESULTS.print(pushes(said), markup=False)
