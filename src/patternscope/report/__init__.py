"""A finished study on one page: findings in sentences, figures, and what is needed to cite and to repeat it."""

from patternscope.report.page import Page, read_page, render
from patternscope.report.pdf import write_pdf

__all__ = ["Page", "read_page", "render", "write_pdf"]
