import ast
from pathlib import Path

import halfmap.tui

FOLDER = Path(halfmap.tui.__file__).parent
ALLOWED = ("halfmap.tui", "halfmap.daemon.client")
HEAVY = {"numpy", "mrcfile", "aiohttp", "pandas", "starfile", "textual_image"}


def imports(path: Path, top_only: bool) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found.add(node.module or "")
    return found


def test_the_interface_imports_of_halfmap_only_itself_and_the_daemons_client():
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        # recorded jobs stand in a daemon in memory
        allowed = (*ALLOWED, "halfmap.daemon.fake") if "demo" in path.relative_to(FOLDER).parts else ALLOWED
        ours = {name for name in imports(path, top_only=False) if name.split(".")[0] == "halfmap"}
        assert not {name for name in ours if not name.startswith(allowed)}, path


def test_nothing_heavy_is_imported_before_it_is_needed():
    for path in FOLDER.rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path, top_only=True)} & HEAVY, path
