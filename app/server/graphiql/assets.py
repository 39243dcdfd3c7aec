"""Static files of GraphiQL: GraphiQL and React as fetched by scripts/graphiql, and the script that starts them."""

import os
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).parent / "static"


class RevalidatedStaticFiles(StaticFiles):
    """Static files that a browser revalidates at every use.

    Without the header a browser decides from a file's age how long to keep it, and runs an old `start.js` in a new
    page.
    """

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, with `Cache-Control: no-cache`."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files() -> StaticFiles:
    """The application to mount at the path that `render_page` takes as `assets`."""
    return RevalidatedStaticFiles(directory=STATIC)
