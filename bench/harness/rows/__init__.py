"""The rows, by name, in the order in which they run."""

from typing import Dict

from ..model import Row
from . import gateway, grpc, http

ROWS: Dict[str, Row] = {row.name: row for room in (http, grpc, gateway) for row in room.rows()}
