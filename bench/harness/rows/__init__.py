"""The rows, by name, in the order in which they run."""

from typing import Dict

from ..model import Row
from . import conns, first, gateway, grpc, http, micro, overload, routes, scale, shop, tls

ROWS: Dict[str, Row] = {row.name: row for room in (http, grpc, gateway, tls, conns, routes, overload, shop, scale, first, micro) for row in room.rows()}
