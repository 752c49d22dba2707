"""The tables that are printed for a study: the module with a stage's name prints its results.

A stage without a module prints nothing.
"""

from importlib import import_module
from pkgutil import iter_modules

from patternscope.cli.printing import say
from patternscope.results.study import StudyResults


def print_tables(results: StudyResults) -> None:
    """Print the tables of the stages that a study has, in the order of its stages."""
    modules = {module.name for module in iter_modules(__path__)}
    for stage in dict.fromkeys(unit.stage.partition("/")[0] for unit in results.units):
        if stage in modules:
            say("")
            import_module(f"{__name__}.{stage}").print_results(results)
