"""The fusion metrics that tests know values of; there may be others."""

PAPERS = ("qabf_weighted", "qabf_mean", "q_mi", "q_s", "q_p", "q_w", "q_cb")
"""Those of the paper's tables, which the MATLAB toolbox has, too."""
