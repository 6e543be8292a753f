"""Which partition of the queue a recipient belongs to: that of its provider, so that one process holds its limits.

Pure.
"""

from zlib import crc32

from angarium.queue.model import PartitionNumber


def partition_of(provider_name: str, partitions: int) -> PartitionNumber:
    """Return the same partition for the same provider in every process and version: it is on disk."""
    return PartitionNumber(crc32(provider_name.encode()) % partitions)  # RT2
