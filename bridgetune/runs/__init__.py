"""Telling of a run: its folder, its checkpoints, what was recorded, and the report."""

from bridgetune.runs.directory import Record, RunDirectory

__all__ = ["Record", "RunDirectory"]
