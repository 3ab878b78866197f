"""The Jupyter server extension: shows studies under the server's root folder, without a kernel.

Only this room imports jupyter_server, and only once a server has loaded it.
"""

from pathlib import Path
from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "workbench.lab.server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Adds the handlers below `{base_url}/workbench/`.

    Args:
        server: a `jupyter_server.serverapp.ServerApp`.
    """
    from workbench.lab.server.handlers import handlers
    from workbench.lab.server.shelf import Shelf

    base_url = server.web_app.settings["base_url"]
    shelf = Shelf(Path(server.root_dir))
    server.web_app.add_handlers(".*$", handlers(base_url, shelf))
