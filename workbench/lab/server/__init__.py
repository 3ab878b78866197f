"""The Jupyter server extension: studies under the server's root folder, for screens that need no kernel.

This is the only room that imports jupyter_server, and only once a server has loaded it.
"""

from pathlib import Path
from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "workbench.lab.server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Adds the handlers below `{base_url}/workbench/`; `server` is a `jupyter_server.serverapp.ServerApp`."""
    from workbench.lab.server.handlers import handlers
    from workbench.lab.server.shelf import Shelf

    server.web_app.add_handlers(
        ".*$", handlers(server.web_app.settings["base_url"], Shelf(Path(server.root_dir)))
    )
