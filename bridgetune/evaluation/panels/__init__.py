"""Panels: sources, decision maps, heat maps and fused pictures side by side."""

from bridgetune.evaluation.panels.layout import draw_panels
from bridgetune.evaluation.panels.rows import PanelPair, decision_rows, panel_pairs

__all__ = ["PanelPair", "decision_rows", "draw_panels", "panel_pairs"]
