"""Files of an earlier version, see earlier/README.md: generators load, runs and sweeps go on, evaluations are read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch import Tensor, nn

import bridgetune
from bridgetune import AdapterConfig, PretrainConfig, RequestError, TuneConfig, finetune, pretrain
from bridgetune.data import References, SyntheticPairs
from bridgetune.evaluation.aligning import read_evaluations
from bridgetune.sweeps import read_sweep
from bridgetune.sweeps.plan import planned, refuse_changed
from bridgetune.training.engine import Engine
from tests.support.commands import succeeds
from tests.support.runs import records, same

EARLIER = Path(__file__).parent / "earlier"
CHECKPOINT = Path("checkpoints", "step-00000002")

PAIRS = "--images pictures/images --masks pictures/masks"
REFERENCES = "--clear pictures/clear --blurred pictures/blurred"
RUN = (
    "--size 32 --fit crop --batch 2 --steps 4 --average 0.9 --checkpoint-every 2 --validate-every 2"
    " --device cpu --workers 0"
)
COMMANDS = {
    "pretrain": f"pretrain --generator drpl --option width=2 --option blocks=1 {PAIRS} {RUN}",
    "finetune": f"finetune --generator generator {PAIRS} {REFERENCES} {RUN} --alpha auto",
}
"""As make.py gave them."""


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to work in: the runs name their pictures relative to the working folder."""
    shutil.copytree(EARLIER, tmp_path / "earlier")
    monkeypatch.chdir(tmp_path / "earlier")
    return tmp_path / "earlier"


def test_a_generator_loads_with_its_weights_bit_for_bit():
    generator = bridgetune.load(EARLIER / "generator")
    assert same(generator.unwrap().state_dict(), load_file(EARLIER / "generator" / "model.safetensors"))
    assert generator.origin.options == {"width": 2, "blocks": 1}
    written = json.loads((EARLIER / "generator" / "config.json").read_text())["adapter"]
    found = generator.config.model_dump(mode="json")
    assert {name: found[name] for name in written} == written
    assert generator.config == AdapterConfig(**written)  # what came later is as it was without


@pytest.mark.parametrize("stage", COMMANDS)
def test_a_run_is_resumed_by_the_command_that_began_it(stage: str, earlier: Path):
    before = records(earlier / stage)
    succeeds(*COMMANDS[stage].split(), "--out", stage, "--resume")
    after = records(earlier / stage)
    done = [record for record in before if record["step"] <= 2]
    assert after[: len(done)] == done, "the clock of each step included: none of them was run again"
    assert [record["step"] for record in after] == [record["step"] for record in before]
    assert after[len(done) :] != before[len(done) :], "the others were"
    assert bridgetune.load(earlier / stage).origin.options == {"width": 2, "blocks": 1}


Resume = Callable[[Path, bridgetune.Adapter, SyntheticPairs], object]


def resume_pretraining(run: Path, generator: bridgetune.Adapter, pairs: SyntheticPairs) -> object:
    config = PretrainConfig(**json.loads((run / "config.json").read_text())["config"])
    return pretrain(generator, pairs, config, run_dir=run, resume=True)


def resume_tuning(run: Path, generator: bridgetune.Adapter, pairs: SyntheticPairs) -> object:
    references = References.from_folders(Path("pictures/clear"), Path("pictures/blurred"), size=32, fit="crop")
    config = TuneConfig(**json.loads((run / "config.json").read_text())["config"])
    return finetune(generator, pairs, references, config, run_dir=run, resume=True)


@pytest.mark.parametrize(
    ("stage", "resume", "networks"), [("pretrain", resume_pretraining, 1), ("finetune", resume_tuning, 3)]
)
def test_every_network_of_a_checkpoint_comes_back_bit_for_bit(
    stage: str, resume: Resume, networks: int, earlier: Path, monkeypatch: pytest.MonkeyPatch
):
    prepared, loaded = watched(monkeypatch)
    generator = bridgetune.create("drpl", weights=None, width=2, blocks=1)
    pairs = SyntheticPairs(Path("pictures/images"), Path("pictures/masks"), size=32, fit="crop")
    resume(earlier / stage, generator, pairs)
    names = ["model.safetensors", "model_1.safetensors", "model_2.safetensors"][:networks]
    expected = [load_file(EARLIER / stage / CHECKPOINT / name) for name in names]
    assert len(prepared) == len(loaded) == networks
    assert all(same(found, kept) for found, kept in zip(loaded, expected, strict=True))
    assert not same(state(prepared[0]), expected[0]), "and was trained on"


def watched(monkeypatch: pytest.MonkeyPatch) -> tuple[list[nn.Module], list[dict[str, Tensor]]]:
    """The networks that runs from now on prepare, and what each holds right after a checkpoint was loaded."""
    prepared: list[nn.Module] = []
    loaded: list[dict[str, Tensor]] = []
    prepare, load = Engine.prepare, Engine.load

    def preparing(engine: Engine, network: nn.Module, steps: int) -> object:
        prepared.append(network)
        return prepare(engine, network, steps)

    def loading(engine: Engine, folder: Path) -> None:
        load(engine, folder)
        loaded.extend(map(state, prepared))

    monkeypatch.setattr(Engine, "prepare", preparing)
    monkeypatch.setattr(Engine, "load", loading)
    return prepared, loaded


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_a_sweep_goes_on_with_its_runs_as_they_were_decided():
    sweep = read_sweep(EARLIER / "sweep" / "sweep.toml")
    runs = planned(sweep)
    decided = [EARLIER / "sweep" / run.folder / "settings.json" for run in runs]
    assert len(decided) == 2
    assert all(path.is_file() for path in decided)
    refuse_changed(sweep, runs, EARLIER / "sweep")
    other = sweep.model_copy(update={"pretrain": {**sweep.pretrain, "batch": 3}})
    with pytest.raises(RequestError, match=r"made with pretrain\.batch=2, the sweep now has 3"):
        refuse_changed(other, planned(other), EARLIER / "sweep")


def test_an_evaluation_is_read_as_it_was_written():
    (path,) = (EARLIER / "sweep").rglob("evaluations/*.json")
    (found,) = read_evaluations([path]).values()
    written = json.loads(path.read_text())
    assert (found.method, found.dataset) == ("DRPL, seed 0", "held-out")
    assert found.images == written["images"]
    assert {name: info.higher_is_better for name, info in found.metrics.items()} == {
        name: info["higher_is_better"] for name, info in written["metrics"].items()
    }
