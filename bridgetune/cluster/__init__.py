"""Work handed out to Ray: pictures, stacks, images to measure and training runs on many cores and machines.

Ray places, watches and replaces the processes. What is done to an item is its verb's own; see `bridgetune.handing`.
"""

from bridgetune.cluster.settings import HERE, Cluster

__all__ = ["HERE", "Cluster"]
