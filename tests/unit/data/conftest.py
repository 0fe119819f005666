from tests.support.scenes import add_scene, lasting_scenes, rng, scenes, truncate

__all__ = ["add_scene", "lasting_scenes", "rng", "scenes", "truncate"]
