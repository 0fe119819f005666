"""The field's networks for bridgetune: SESF, GACN, IFCNN-MAX, MFIF-GAN, CNN and ECNN; and a deep image prior."""

from __future__ import annotations

from collections.abc import Callable

from bridgetune.config import AdapterConfig
from bridgetune.hookspecs import EvaluatorSpec, GeneratorSpec, hookimpl

bridgetune_hook_api = 1

LUMA = (0.2125, 0.7154, 0.0721)
"""What R, G and B count for in the gray of SESF and GACN, which is scikit-image's."""


@hookimpl
def bridgetune_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    register(
        GeneratorSpec(
            name="sesf",
            summary="SESF-Fuse (Ma et al. 2021): spatial frequency of learned features, 14,416 parameters",
            network="bridgetune_peers.sesf:SESF",
            adapter=AdapterConfig(
                color="gray",
                luma=LUMA,
                mean=(0.4500517361627943,),
                std=(0.26465333914691797,),
                minimum=2,  # on a single pixel batch norm could not train
            ),
            discriminator="bridgetune_peers.sesf:SESFJudge",
            read_weights="bridgetune_peers.sesf:read_weights",
            smoothing="bridgetune_peers.smoothing:sesf",
        )
    )
    register(
        GeneratorSpec(
            name="gacn",
            summary="GACN (Ma et al. 2022): gradients of features and a decision path, 68,820 parameters",
            network="bridgetune_peers.gacn:GACN",
            adapter=AdapterConfig(color="gray", luma=LUMA, minimum=2),
            discriminator="bridgetune_peers.gacn:GACNJudge",
            read_weights="bridgetune_peers.gacn:read_weights",
            smoothing="bridgetune_peers.smoothing:gacn",
        )
    )
    register(
        GeneratorSpec(
            name="ifcnn",
            summary="IFCNN-MAX (Zhang et al. 2020): end to end, by the maximum of features, 83,587 parameters",
            network="bridgetune_peers.ifcnn:IFCNN",
            adapter=AdapterConfig(
                mean=(0.485, 0.456, 0.406),
                std=(0.229, 0.224, 0.225),
                output="fused",
                minimum=2,
            ),
            discriminator="bridgetune_peers.ifcnn:IFCNNJudge",
            read_weights="bridgetune_peers.ifcnn:read_weights",
        )
    )
    register(
        GeneratorSpec(
            name="mfif-gan",
            summary="MFIF-GAN (Wang et al. 2021): residual blocks with attention, 13,700,928 parameters",
            network="bridgetune_peers.mfif_gan:MFIFGAN",
            adapter=AdapterConfig(value_range=(-1, 1), multiple=4, minimum=8),
            discriminator="bridgetune_peers.mfif_gan:MFIFGANJudge",
            read_weights="bridgetune_peers.mfif_gan:read_weights",
            smoothing="bridgetune_peers.smoothing:mfif_gan",
        )
    )
    register(
        GeneratorSpec(
            name="cnn",
            summary="CNN (Liu et al. 2017): a classifier of 16×16 patches, densely, 8,758,784 parameters",
            network="bridgetune_peers.cnn:CNN",
            adapter=AdapterConfig(color="gray", output="probability", multiple=2, minimum=16),
            discriminator="bridgetune_peers.cnn:CNNJudge",
            read_weights="bridgetune_peers.cnn:read_weights",
            smoothing="bridgetune_peers.smoothing:cnn",
        )
    )
    register(
        GeneratorSpec(
            name="ecnn",
            summary="ECNN (Amin-Naji et al. 2019): an ensemble that votes on 32×32 patches, 1,587,202 parameters",
            network="bridgetune_peers.ecnn:ECNN",
            adapter=AdapterConfig(color="gray", output="probability", multiple=8, minimum=32),
            discriminator="bridgetune_peers.ecnn:ECNNJudge",
            read_weights="bridgetune_peers.ecnn:read_weights",
        )
    )


@hookimpl
def bridgetune_register_evaluators(register: Callable[[EvaluatorSpec], None]) -> None:
    register(
        EvaluatorSpec(
            name="deep-image-prior",
            summary="a network trained on each pair alone, in the manner of ZMFF (Hu et al. 2023)",
            method="bridgetune_peers.prior:DeepImagePrior",
            optimises=True,
        )
    )
