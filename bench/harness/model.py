"""What a row is made of: servers, cases of load, goals."""

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Set

from .answers import Answer
from .context import Context
from .loads import Loaded


@dataclass
class Server:
    """One that is measured. `command` gives its arguments, and may write configuration below the context's scratch folder."""

    name: str
    command: Callable[[Context, int], List[str]]
    ours: bool = False  # has an access log and /metrics that are audited
    note: str = ""  # what is to be known beside the figure
    missing: Callable[[Context], Optional[str]] = lambda context: None  # why it cannot run here
    env: Dict[str, str] = field(default_factory=dict)
    cores: Optional[Set[int]] = None  # None: the server's core
    same: Callable[[bytes], bytes] = bytes  # undoes what its JSON library alone does to a body (the order of members), said in the note
    body_end: bytes = b""  # what its framework adds to every body, said in the note; everything else must be the same bytes


@dataclass
class Case:
    """One kind of load on the servers of a row."""

    name: str
    closed: Callable[[Context, int, float, float], Loaded]  # port, seconds, the rate seen in the warm-up (0: none yet)
    probe: Callable[[Context, int], Answer]
    open: Optional[Callable[[Context, int, float, float], Loaded]] = None  # port, rate, seconds
    body_bytes: Optional[int] = None  # of DATA an answer must have where the generator tells (gRPC: its frame)
    unit: str = "request"
    same: Callable[[bytes], bytes] = bytes  # bodies are compared as this gives them; a row that is not to the byte says why in its code
    only: Optional[List[str]] = None  # names of the servers it is for; None: all


@dataclass(frozen=True)
class Goal:
    """`figure` of `ours` <= `limit` times that of `reference`, in medians; without a reference, `limit` itself."""

    text: str
    limit: float
    reference: Optional[str] = None
    ours: str = "yun"
    figure: str = "cpu"
    strict: bool = False
    case: Optional[str] = None  # None: in each
    at_least: bool = False


@dataclass
class Row:
    name: str
    title: str
    servers: List[Server]
    cases: List[Case]
    goals: List[Goal]
    route: str = ""  # the `path` label of what is timed, for the audit
    floor: Optional[str] = None
    targets: List[str] = field(default_factory=list)  # of the dist build
    peers: List[str] = field(default_factory=list)  # built by harness.build
    prepare: Optional[Callable[[Context], None]] = None  # what stands behind or beside the servers, on the load's core
    check: Optional[Callable[..., None]] = None  # (row, context, running, result) after the rounds and before the audit: what else must hold, or the row is void
    run: Optional[Callable[["Row", Context, Callable[[str], None]], object]] = None  # instead of measure.run, for what is no such load
