"""Reports as one HTML file each, which a browser opens from disk: tables to sort, curves to point at, pictures to wipe
between. All that a page needs is in it, and it connects to nothing."""

from bridgetune.pages.charts import Chart, Line, charts_of
from bridgetune.pages.formulas import set_formulas
from bridgetune.pages.page import Slider, page

__all__ = ["Chart", "Line", "Slider", "charts_of", "page", "set_formulas"]
