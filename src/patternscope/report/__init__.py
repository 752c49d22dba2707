"""A finished study on one page: findings in sentences, figures, and how to cite and reproduce it."""

from patternscope.report.contents import Setup
from patternscope.report.page import Page, Reproduction, read_page, render
from patternscope.report.pdf import write_pdf
from patternscope.report.pictures import read_pictures

__all__ = ["Page", "Reproduction", "Setup", "read_page", "read_pictures", "render", "write_pdf"]
