"""How to cite the method and this project."""

from patternscope import __version__

PAPER = """@inproceedings{li2021visualizing,
  title     = {Visualizing the Emergence of Intermediate Visual Patterns in {DNN}s},
  author    = {Li, Mingjie and Wang, Shaobo and Zhang, Quanshi},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2021}
}"""


def project_entry(version: str = __version__) -> str:
    """Return the BibTeX entry of this project.

    >>> print(project_entry("1.0.0").splitlines()[0])
    @software{patternscope,
    """
    return f"""@software{{patternscope,
  title   = {{patternscope: when and where an image classifier learns the patterns that distinguish classes}},
  author  = {{{{the patternscope authors}}}},
  version = {{{version}}},
  license = {{BSD-3-Clause}}
}}"""
