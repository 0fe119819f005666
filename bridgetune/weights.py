"""Weights from files of others: what a file is, the tensors in it, and which of them are a network's."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bridgetune.contents import mistaken
from bridgetune.errors import RequestError
from bridgetune.paths import check_file, open_file, printable, shown

PREFIXES = ("module.", "_orig_mod.", "model.", "net.")
"""What DataParallel, torch.compile, Lightning and others put before every name, several and repeatedly."""

ROLES = ("generator.", "gen.", "G.", "netG.", "net_g.", "ema.", "ema_model.", "student.")
"""Parts of a larger program whose weights may stand beside others in one flat dictionary."""

DEEPEST = 4
"""Dictionaries in one another that are looked into."""

MOST_PREFIXES = 8
"""Prefixes before one name that are taken off."""

MOST_EXPANSION = 20
"""Bytes of content that a byte of a compressed archive may stand for."""

_STARTS = (
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"GGUF", "a GGUF file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
)

_EXPECTED = "expected weights: a state_dict that torch.save wrote, or safetensors"

StateDict = dict[str, Tensor]


def read_state_dicts(path: Path) -> dict[str, StateDict]:
    """Every state_dict in a file, by where it stands: empty for the file itself, `ema.model` for one inside.

    No code in the file is run.

    Args:
        path: What `torch.save` wrote, or safetensors, whatever its suffix.

    Raises:
        RequestError: The file cannot be read, holds none, or is something else, which is said.
    """
    check_file(path, "weights")
    with open_file(path, "weights") as file:
        head = file.read(512)
        size = file.seek(0, 2)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") > 0:
        return {"": _safetensors(path, int.from_bytes(head[:8], "little"), size)}
    if what := _other_kind(path, head):
        raise RequestError(f"{shown(path)}: is {what}; {_EXPECTED}")
    content = _unpickled(path, head)
    found = dict(_state_dicts(content, (), set()))
    if not found:
        raise RequestError(f"{shown(path)}: {_no_state_dict(content)}; {_EXPECTED}")
    return found


def chosen(
    path: Path, found: Mapping[str, StateDict], fits: Callable[[StateDict], bool], key: str = ""
) -> StateDict | None:
    """The one state_dict that fits a network, under the network's names; None where none does.

    Args:
        path: Of the file, for the refusal.
        found: See `read_state_dicts`.
        fits: Whether names and shapes are the network's.
        key: The part that is meant, where several fit: `generator`, `params_ema`.

    Raises:
        RequestError: Several fit that are not the same tensors, or nothing is called `key`.
    """
    views = list(_views(found, key))
    if key and not views:
        raise RequestError(f"{shown(path)}: holds nothing called {shown(key)!r}; it has {_listed(found)}")
    fitting = {name: view for name, view in views if fits(view)}
    distinct: dict[str, StateDict] = {}
    for name, view in fitting.items():
        if not any(all(view[one] is other[one] for one in view) for other in distinct.values()):
            distinct[name] = view
    if len(distinct) > 1:
        raise RequestError(
            f"{shown(path)}: {len(distinct)} parts fit the network, {_listed(distinct)}; say which: --weights-key NAME"
            " (weights_key=)"
        )
    return next(iter(distinct.values()), None)


def nearest(found: Mapping[str, StateDict], wanted: Collection[str], key: str = "") -> StateDict:
    """What comes nearest to a network's names, to say what is wrong with it."""
    views = [view for _, view in _views(found, key)]
    return max(views, key=lambda view: (sum(name in wanted for name in view), -len(view)), default={})


def check_values(path: Path, tensors: Mapping[str, Tensor], network: nn.Module) -> None:
    """Refuse tensors that a network cannot take over, once their names and shapes fit.

    A buffer may be infinite, as masks are; a parameter may not.

    Raises:
        RequestError: A tensor is sparse, quantised, of another kind of number, without values, or has values that are
            not finite.
    """
    own, parameters = network.state_dict(), {name for name, _ in network.named_parameters(remove_duplicate=False)}
    for name, tensor in tensors.items():
        if fault := _fault(tensor, own[name], name in parameters):
            raise RequestError(f"{shown(path)}: {shown(name)} {fault}")


def _fault(tensor: Tensor, own: Tensor, is_parameter: bool) -> str:
    if tensor.layout != torch.strided:
        return "is a sparse tensor, expected a dense one"
    if tensor.is_quantized:
        return "is quantised, expected floating-point weights"
    if tensor.device.type != "cpu":
        return "has no values (it was saved from the meta device)"
    if _kind(tensor) != _kind(own):
        return f"is of {str(tensor.dtype).removeprefix('torch.')}, the network's of {own.dtype}".replace("torch.", "")
    wrong = tensor.isfinite().logical_not() if is_parameter else tensor.isnan()
    return "holds values that are not finite; the training that saved it had diverged" if bool(wrong.any()) else ""


def _kind(tensor: Tensor) -> str:
    if tensor.is_floating_point():
        return "float" if tensor.dtype.itemsize > 1 else str(tensor.dtype)
    return "complex" if tensor.is_complex() else "bool" if tensor.dtype == torch.bool else "integer"


def _views(found: Mapping[str, StateDict], key: str) -> Iterator[tuple[str, StateDict]]:
    """Each state_dict as it stands, without the prefixes that all of its names have, and its parts by role."""
    for place, tensors in found.items():
        for name, view in _parts(place, tensors, key):
            if not key or f".{key}." in f".{name}.":
                yield name, view


def _parts(name: str, tensors: StateDict, key: str, depth: int = 0) -> Iterator[tuple[str, StateDict]]:
    yield name, tensors
    compiled = {one.replace("_orig_mod.", ""): tensor for one, tensor in tensors.items()}
    if len(compiled) == len(tensors) and compiled.keys() != tensors.keys():
        tensors = compiled
        yield name, tensors
    if depth == MOST_PREFIXES:
        return
    asked = (f"{key}.",) if key else ()
    for prefix in dict.fromkeys((*PREFIXES, *ROLES, *asked)):
        part = {one.removeprefix(prefix): tensor for one, tensor in tensors.items() if one.startswith(prefix)}
        if part:
            named = prefix not in PREFIXES or len(part) < len(tensors)
            yield from _parts(f"{name}.{prefix[:-1]}".strip(".") if named else name, part, key, depth + 1)


def _state_dicts(content: Any, place: tuple[str, ...], seen: set[int]) -> Iterator[tuple[str, StateDict]]:
    if not isinstance(content, dict) or id(content) in seen or len(place) > DEEPEST:
        return
    seen.add(id(content))
    tensors = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if tensors and len(tensors) == len(content):
        yield ".".join(place), tensors
    for name, value in content.items():
        if isinstance(name, str):
            yield from _state_dicts(value, (*place, name), seen)


def _no_state_dict(content: Any) -> str:
    if not isinstance(content, dict):
        return f"holds a {type(content).__name__}"
    if not content:
        return "is an empty dictionary"
    odd = next((name for name in content if not isinstance(name, str)), None)
    if odd is not None:
        return f"has the key {shown(repr(odd))}, a {type(odd).__name__}, where the name of a tensor should be"
    name, value = next((name, value) for name, value in content.items() if not isinstance(value, Tensor))
    return f"{shown(name)!r} in it is a {type(value).__name__}, neither a tensor nor a dictionary of tensors alone"


def _safetensors(path: Path, header: int, size: int) -> StateDict:
    if header + 8 > size:
        raise RequestError(f"{shown(path)}: not a readable safetensors file (cut off: {size:,} bytes); copy it again")
    try:
        return load_file(str(path))
    except Exception as error:  # of its own, and of torch for kinds of numbers that it does not have
        raise RequestError(f"{shown(path)}: not a readable safetensors file ({_line(error)})") from None


def _unpickled(path: Path, head: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the bytes make of the unpickler
        named = re.search(r"(?:GLOBAL|global:?|class) ([\w.]+)", str(error))
        if "nsupported" in str(error) or "nsafe" in str(error):
            what = f" ({named[1]})" if named else ""
            raise RequestError(
                f"{shown(path)}: not a PyTorch file of plain tensors but pickled Python objects{what}, such as a whole"
                " module, which bridgetune never runs; save its state_dict: torch.save(network.state_dict(), FILE)"
            ) from None
        cut = " (it may be cut off; copy it again)" if head[:2] in (b"PK", b"\x80\x02") else ""
        raise RequestError(f"{shown(path)}: not a PyTorch file of plain tensors{cut}; {_EXPECTED}") from None


def _other_kind(path: Path, head: bytes) -> str:
    """What the file is, where it is no weights."""
    if not head:
        return "empty"
    for start, what in _STARTS:
        if head.startswith(start):
            return what
    if what := mistaken(head):
        return what
    if head.startswith(b"PK"):
        return _kind_of_archive(path)
    return "text" if _is_text(head) else ""


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\r\n\t\f" for letter in text)


def _kind_of_archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception:  # zipfile has errors of several kinds for what is none
        return "an archive that is cut off or damaged; copy it again"
    names = [entry.filename.partition("/")[2] or entry.filename for entry in entries]
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        return "a TorchScript archive, which is a program; save the state_dict of its module"
    if any(name.endswith(("serialized_exported_program.json", "archive_format")) for name in names):
        return "a program of torch.export; save the state_dict of its module"
    if "data.pkl" not in names:
        of = next(
            (
                of
                for end, of in ((".npy", "NumPy arrays"), (".pth", "checkpoints"), (".pt", "checkpoints"))
                if any(name.endswith(end) for name in names)
            ),
            "other files",
        )
        return f"a zip archive of {of}; unpack it first"
    if sum(entry.file_size for entry in entries) > MOST_EXPANSION * path.stat().st_size:
        return "an archive that claims more than its bytes can hold"
    return ""


def _listed(names: Mapping[str, Any]) -> str:
    given = [shown(name) if name else "the file itself" for name in list(names)[:6]]
    return ", ".join(given) + (" …" if len(names) > len(given) else "")


def _line(error: Exception) -> str:
    said = printable((str(error).strip().splitlines() or [type(error).__name__])[0])
    return said[:200]
