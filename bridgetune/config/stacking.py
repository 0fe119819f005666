"""How a stack of frames becomes one picture."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bridgetune.config._model import Frozen


class StackConfig(Frozen):
    """How a stack of frames becomes one picture."""

    align: Literal["auto", "none", "translation", "similarity", "affine", "homography"] = "auto"
    """What frames may differ by and are freed of: `translation`, shifts; `similarity`, also size and rotation;
    `affine`, also shear; `homography`, also perspective. `auto` chooses by what is found; `none` takes the frames as
    they are."""
    exposure: Literal["auto", "even", "keep"] = "auto"
    """Brightness and colour of frames, channel by channel: `even`, as the reference's; `auto`, the same where a
    channel of some frame differs by 3.5 %, unless `align` is `none`; `keep`, as they are."""
    order: Literal["name", "depth"] = "name"
    """In which the frames follow each other: by `name`, or by `depth`, measured from the frames themselves."""
    reference: Annotated[str, Field(min_length=1)] = "middle"
    """The frame whose place, size, light and metadata the picture has: `first`, `middle`, `last`, or a frame's
    name."""
    quality: Literal["auto", "fast", "good", "best", "saved"] = "auto"
    """How often a network is asked about a pair: `fast`, once; `good`, in both orders; `best`, of mirror images and at
    other sizes, too; `auto` goes by the frames' size; `saved`, as the generator is configured. By the focus measure
    all are the same but `fast`, which leaves undecided places as they are, and reads frames once less."""
    measure: Literal["vote", "none"] = "vote"
    """Beside a network: `vote`, a focus measure decides, and the network where that hardly differs between neighbours;
    `none`, the network alone, whose log-odds are summed along the stack."""
    blend: Literal["none", "feather", "pyramid"] = "feather"
    """What becomes of seams between frames: `none`, steps; `feather`, frames fade into each other along them;
    `pyramid`, coarse detail does so over a wider band than fine detail. Elsewhere every pixel is a frame's
    own, evened as `exposure` has it."""
    smooth: Literal["none", "regions", "guided"] = "none"
    """What is done to the field of chosen frames before pixels are taken: `regions`, small islands follow their
    surroundings; `guided`, the field follows the picture's edges."""
    edges: Literal["crop", "keep"] = "crop"
    """`crop` to what all frames show, or `keep` the reference's whole size."""
    undecided: Literal["settle", "keep"] = "settle"
    """Places at which the focus measure, or a network alone, does not tell: `settle`, they follow their surroundings
    along the picture's edges; `keep`, the higher score counts however little higher it is."""
