"""What the protocol asks of a plugin's generator, a point a test."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

try:
    import pytest
except ModuleNotFoundError:
    raise ModuleNotFoundError("bridgetune.testing needs pytest; pip install pytest", name="pytest") from None

from bridgetune import plugins
from bridgetune.errors import RequestError
from bridgetune.opening import create, load
from bridgetune.testing.interpreter import changed_settings, imports_torch
from bridgetune.testing.networks import (
    Reach,
    map_of,
    near,
    out_of_bounds,
    random_states,
    reach,
    seeded,
    stir,
    tensors_in,
)
from bridgetune.testing.pairs import KnownPairs, overexposed_pairs, source_pairs
from bridgetune.wrapping import Adapter, check_orientation

SIZE = (2, 64, 64)
"""Batch, height and width of the pairs wherever they are not the point."""

SIZES = ((1, 37, 53), (2, 33, 32), SIZE)

STIR = 0.02
"""Noise on the weights of a generator under test: the scale at which layers are commonly started."""

STRONG_STIRS = (0.1, 0.3, 1.0, 3.0)
"""Noise under which any map of logits is sure of itself, both ways."""

STARTS = 3
"""Initialisations of which one must let the gradient through: a small network may start with a dead ReLU."""


class GeneratorConformance:
    """The protocol's contract. Inherit it in a plugin's tests, in a class whose name begins with `Test`.

    Attributes:
        name: What `bridgetune.create` takes.
        options: For the network: small, so that the tests are quick. They must survive JSON, as in `config.json`.
        trained: Weights whose decisions are checked, as `create` takes them: `shipped` or a path. None has none.
        auxiliary_parameters: Patterns (`fnmatch`) of the network's parameters that feed only the maps which
            AdapterConfig.auxiliary names.
    """

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}
    trained: ClassVar[str | Path | None] = None
    auxiliary_parameters: ClassVar[tuple[str, ...]] = ()

    def fresh(self, seed: int = 0, stirred: float = STIR) -> Adapter:
        """The generator in evaluation mode, its weights drawn from `seed` and stirred.

        Stirred, a layer that starts at zero does not hide what is before it.
        """
        with seeded(seed):
            generator = create(self.name, weights=None, **self._options())
        stir(generator.unwrap(), stirred, seed)
        return generator.eval()

    @pytest.fixture
    def generator(self) -> Adapter:
        """See `fresh`."""
        return self.fresh()

    @pytest.fixture
    def twin(self, generator: Adapter) -> Callable[[], nn.Module]:
        """Makes the discriminator networks that the plugin registers; without one the test is skipped."""
        _, spec = plugins.registry().find(self.name)
        if spec.discriminator is None or generator.twin is None:
            pytest.skip(f"{self.name} registers no discriminator")
        return generator.twin

    def test_map_has_one_channel_and_the_size_of_the_pair(self, generator: Adapter) -> None:
        for batch, height, width in SIZES:
            shape = tuple(map_of(generator, *source_pairs(batch, height, width)).shape)
            assert shape == (batch, 1, height, width), (
                f"{self.name}: the map of a pair {(batch, 3, height, width)} has shape {shape}; expected"
                f" {(batch, 1, height, width)}; set multiple= and minimum= of its AdapterConfig"
            )

    def test_logits_are_float32(self, generator: Adapter) -> None:
        dtype = map_of(generator, *source_pairs(*SIZE)).dtype
        assert dtype == torch.float32, f"{self.name}: a float32 pair's map is {dtype}; compute in the pair's dtype"

    def test_logits_are_finite_even_where_images_are_flat(self, generator: Adapter) -> None:
        first, second = source_pairs(*SIZE)
        black, white = torch.zeros_like(first), torch.ones_like(first)
        pairs = {"textured": (first, second), "black": (black, black), "white": (white, white)}
        bad = [name for name, pair in pairs.items() if not map_of(generator, *pair).isfinite().all()]
        assert not bad, f"{self.name}: NaN or infinity for {bad} images; does it divide by a deviation of zero?"

    def test_output_is_what_the_adapter_declares(self) -> None:
        low, high = 0.0, 0.0
        for seed, strength in enumerate(STRONG_STIRS * 2):
            generator, pair = self.fresh(seed, stirred=strength), source_pairs(*SIZE)
            logits = map_of(generator, *pair).nan_to_num(0, 0, 0)
            low, high = min(low, logits.min().item()), max(high, logits.max().item())
            wrong, declared = out_of_bounds(generator, *pair), generator.config.output
            assert not len(wrong), (
                f"{self.name}: declares output={declared!r} in its AdapterConfig and answers {wrong[0]:.3g};"
                " declare 'logits' ('softmax' for two channels) where no activation bounds the map"
            )
        assert min(-low, high) > 1, (
            f"{self.name}: however its weights are stirred, its logits stay in [{low:.3g}, {high:.3g}], expected to"
            " pass -1 and 1; where the map is a sigmoid's or a softmax's, declare output='probability' or"
            " 'complementary' in its AdapterConfig"
        )

    def test_map_depends_on_each_image_and_on_their_order(self, generator: Adapter) -> None:
        first, second = source_pairs(*SIZE)
        expected = map_of(generator, first, second)
        others = {
            "another first image": (first.flip(-1), second),
            "another second image": (first, second.flip(-1)),
            "the images swapped": (second, first),
        }
        same = [what for what, pair in others.items() if near(map_of(generator, *pair), expected, 1e-4)]
        assert not same, f"{self.name}: the map is the same for {same}; each image needs a place of its own"

    def test_trained_weights_choose_the_image_in_focus(self) -> None:
        if self.trained is None:
            pytest.skip(f"{self.name}: trained = None, there are no decisions to check")
        generator = create(self.name, weights=self.trained, **self._options())
        agreement, verdict = check_orientation(generator, KnownPairs(128, 128, count=4))
        mend = "turn orientation= of its AdapterConfig round" if verdict == "second" else "are they its weights?"
        assert verdict == "first", f"{self.name}: {agreement:.0%} of its decisions on known pairs are right; {mend}"

    def test_gradient_reaches_every_parameter(self) -> None:
        beside_the_map = self._missed(lambda generator: [generator(*source_pairs(*SIZE))])
        excused = {name for pattern in self.auxiliary_parameters for name in fnmatch.filter(beside_the_map, pattern)}
        lost = sorted(beside_the_map - excused)
        assert not lost, (
            f"{self.name}: a loss on the logits does not reach {lost}; look for detach(), no_grad() and layers that"
            " are not used, or name them in auxiliary_parameters where they feed an auxiliary map"
        )
        idle = [pattern for pattern in self.auxiliary_parameters if not fnmatch.filter(beside_the_map, pattern)]
        assert not idle, f"{self.name}: auxiliary_parameters {idle} match nothing that the map leaves out; remove them"
        lost = sorted(beside_the_map & self._missed(lambda generator: generator.maps(*source_pairs(*SIZE))))
        assert not lost, (
            f"{self.name}: a loss on its auxiliary maps does not reach {lost} either; name the output that they feed in"
            " AdapterConfig(auxiliary=...), or remove them"
        )

    def test_gradients_are_finite(self, generator: Adapter) -> None:
        pair = overexposed_pairs(*SIZE)
        bad = sorted(reach(generator.unwrap(), lambda: generator.maps(*pair)).not_finite)
        assert not bad, f"{self.name}: NaN or infinity in the gradients of {bad}; a root or logarithm of zero?"

    def test_same_pair_gives_the_same_map(self, generator: Adapter) -> None:
        pair = source_pairs(*SIZE)
        assert torch.equal(map_of(generator, *pair), map_of(generator, *pair)), (
            f"{self.name}: two calls in evaluation mode differ; let dropout and the like heed self.training"
        )

    def test_map_does_not_depend_on_the_rest_of_the_batch(self, generator: Adapter) -> None:
        first, second = source_pairs(*SIZE)
        together = map_of(generator, first, second)
        alone = torch.cat([map_of(generator, first[n, None], second[n, None]) for n in range(len(first))])
        assert near(together, alone, 1e-3), (
            f"{self.name}: a pair's map changes by {(together - alone).abs().max():.2g} with the pair beside it;"
            " take statistics over each image, or running ones in evaluation mode"
        )

    def test_saved_generator_comes_back_bit_for_bit(self, generator: Adapter, tmp_path: Path) -> None:
        generator.save_pretrained(tmp_path)
        again = load(tmp_path).eval()
        weights, read = generator.unwrap().state_dict(), again.unwrap().state_dict()
        changed = [name for name in weights if not torch.equal(weights[name], read[name])]
        assert not changed, f"{self.name}: {changed} change on the way through a file"
        answers = []
        for each in (generator, again):
            with seeded(0):
                answers.append(map_of(each, *source_pairs(*SIZE)))
        assert torch.equal(*answers), (
            f"{self.name}: loaded again, it answers otherwise; keep all of its state in parameters and persistent"
            " buffers, and build it from its options alone"
        )

    def test_bfloat16_autocast_stays_near_float32(self, generator: Adapter) -> None:
        pair = source_pairs(*SIZE)
        expected = map_of(generator, *pair)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = map_of(generator, *pair)
        error, allowed = (logits - expected).abs().mean().item(), 0.1 * expected.abs().mean().item() + 0.01
        assert logits.dtype in (torch.float32, torch.float64), f"{self.name}: under autocast its map is {logits.dtype}"
        assert error <= allowed, (
            f"{self.name}: under bfloat16 autocast its logits are off by {error:.2g} on average, expected at most"
            f" {allowed:.2g}, a tenth of their mean and 0.01; keep sums and differences of large numbers in float32"
        )

    def test_calling_leaves_weights_buffers_and_modes_as_they_are(self, generator: Adapter) -> None:
        network = generator.unwrap()
        before = {name: tensor.clone() for name, tensor in tensors_in(network).items()}
        generator(*source_pairs(*SIZE))
        after = tensors_in(network)
        changed = [name for name in before if name not in after or not torch.equal(after[name], before[name])]
        changed += [name or "the network" for name, module in network.named_modules() if module.training]
        assert not changed, f"{self.name}: a call in evaluation mode changes {changed}; do so only in training mode"

    def test_calling_draws_no_global_random_numbers(self, generator: Adapter) -> None:
        pair = source_pairs(*SIZE)
        with seeded(0):
            before = random_states()
            generator(*pair)
            drawn = [name for name, state in random_states().items() if state != before[name]]
        assert not drawn, f"{self.name}: a call in evaluation mode draws from {drawn}; do so only in training mode"

    def test_creating_and_calling_change_no_global_setting(self) -> None:
        changed = changed_settings(self.name, self.options)
        assert not changed, f"{self.name}: changes {changed} [before, after]; leave settings of the process to its user"

    def test_registering_imports_no_torch(self) -> None:
        plugin, _ = plugins.registry().find(self.name)
        assert not imports_torch(plugin.name, plugin.distribution), (
            f"{plugin.source}: loading its entry point imports torch, which `bridgetune plugins list` then waits for;"
            " import it only in the modules that its GeneratorSpec names"
        )

    def test_origin_records_the_options_as_given(self, generator: Adapter) -> None:
        recorded, given = dict(generator.origin.options), dict(self.options)
        assert (generator.origin.generator, recorded) == (self.name, given), (
            f"{self.name}: given {given}, its origin records {recorded}; copy an option before changing it"
        )

    def test_unknown_option_is_refused(self) -> None:
        try:
            create(self.name, weights=None, **self._options(), no_such_option=0)
        except RequestError:
            return
        pytest.fail(f"{self.name}: takes no_such_option=0 without a word; name its options, in place of **kwargs")

    def test_twin_answers_an_image_with_logits(self, twin: Callable[[], nn.Module]) -> None:
        judge = twin().eval()
        for size in SIZES:
            image, _ = source_pairs(*size)
            logits: Tensor = judge(image)
            assert logits.ndim == 4, f"{self.name}: its twin answers {tuple(logits.shape)}, expected (B, 1, h, w)"
            assert logits.shape[:2] == (len(image), 1), (
                f"{self.name}: its twin answers {tuple(logits.shape)} for {tuple(image.shape)}, expected (B, 1, h, w)"
            )
            assert logits.dtype == torch.float32, f"{self.name}: its twin's logits are {logits.dtype}, not float32"
            assert logits.isfinite().all(), f"{self.name}: its twin answers with NaN or infinity"

    def test_gradient_reaches_all_of_the_twin_and_its_image(self, twin: Callable[[], nn.Module]) -> None:
        image = overexposed_pairs(*SIZE)[0].requires_grad_()
        found = [_through_a_twin(twin, image, seed) for seed in range(STARTS)]
        bad = sorted(frozenset.union(*(gradients.not_finite for gradients in found)))
        assert not bad, f"{self.name}: NaN or infinity in its twin's gradients of {bad}; a root or logarithm of zero?"
        lost = sorted(frozenset.intersection(*(gradients.missed for gradients in found)))
        assert not lost, f"{self.name}: a loss on its twin's logits does not reach {lost}; does it look at its image?"
        seen = image.grad is not None and bool(image.grad.any())
        assert seen, f"{self.name}: its twin passes no gradient to its image, which the generator learns from"

    def test_every_twin_is_a_network_of_its_own(self, generator: Adapter, twin: Callable[[], nn.Module]) -> None:
        networks = [generator.unwrap(), twin(), twin()]
        of_generator, of_one, of_other = ({id(p) for p in network.parameters()} for network in networks)
        assert not of_one & of_other, f"{self.name}: two twins share parameters; make a network at each call"
        assert not of_one & of_generator, f"{self.name}: its twin shares parameters with the generator; make fresh ones"

    def _options(self) -> dict[str, Any]:
        """A copy, so that a network which changes its options is found out."""
        return copy.deepcopy(dict(self.options))

    def _missed(self, call: Callable[[Adapter], list[Tensor]]) -> frozenset[str]:
        """Parameters of the network that a loss on what `call` returns reaches from no start."""
        missed = frozenset(name for name, _ in self.fresh().unwrap().named_parameters())
        for seed in range(STARTS):
            if missed:
                generator = self.fresh(seed)
                missed &= reach(generator.unwrap(), partial(call, generator)).missed
        return missed


def _through_a_twin(twin: Callable[[], nn.Module], image: Tensor, seed: int) -> Reach:
    with seeded(seed):
        judge = twin()
    stir(judge, STIR, seed)
    return reach(judge, lambda: [judge(image)])
