"""Other libraries' lines while files are read."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridgetune.pictures._quiet import quiet


def test_tifffile_says_nothing_while_anybody_reads_and_everything_else_as_before(caplog: pytest.LogCaptureFixture):
    decoders = logging.getLogger("tifffile")
    with quiet():
        with quiet(), ThreadPoolExecutor(1) as pool:
            pool.submit(decoders.error, "in another thread").result()
        decoders.error("of the outer reader")
        logging.getLogger("bridgetune").warning("ours")
    decoders.error("of somebody else")
    assert caplog.messages == ["ours", "of somebody else"]
