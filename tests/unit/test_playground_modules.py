"""The playground's modules, Python and JavaScript, import each other in one direction, and nothing of Tracklet."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

PLAYGROUND = Path(__file__).resolve().parents[2] / "playground"


def imported(path: Path) -> set[str]:
    """What a Python module imports, also where only its types are wanted."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return named | {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}


def test_no_two_python_modules_need_each_other() -> None:
    modules = {f"playground.{path.stem}": imported(path) for path in PLAYGROUND.glob("*.py") if path.stem != "__init__"}
    order = list(TopologicalSorter({name: needs & modules.keys() for name, needs in modules.items()}).static_order())
    assert order.index("playground.page") < order.index("playground.server")


def test_no_two_javascript_modules_need_each_other() -> None:
    scripts = {
        path.name: set(re.findall(r"from '\./([^']+)'", path.read_text())) for path in (PLAYGROUND / "static").glob("*.js")
    }
    order = list(TopologicalSorter(scripts).static_order())
    assert order.index("overlays.js") < order.index("blocks.js") < order.index("dialogs.js")
    assert set(order) == scripts.keys()


def test_it_imports_nothing_of_tracklet() -> None:
    named = {name.partition(".")[0] for path in PLAYGROUND.glob("*.py") for name in imported(path)}
    assert named.isdisjoint({"bot", "rendering", "sample", "tracking"})
