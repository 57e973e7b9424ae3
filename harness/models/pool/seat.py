"""A call's place at a host: what it wishes for, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.models.ollama_host import OllamaHost
from harness.models.pool.view import Spec, Why
from harness.models.port import HOUSE, Asker

if TYPE_CHECKING:
    from harness.models.pool.held import Held
    from harness.models.pool.server import Server


@dataclass(frozen=True)
class Wish:
    """What a call needs of the pool."""

    spec: Spec  # num_ctx 0: whatever the server takes
    hosts: frozenset[str] | None = None  # names of those that may serve it; None: any
    asker: Asker = HOUSE
    limit: int | None = None  # calls of this model at a time, where that is less than the host's
    keep_alive: float | str | None = None  # of the model, if this call has it loaded; None: usual
    embeds: bool = False  # its model gives vectors, and is loaded by another route


@dataclass(eq=False)
class Slot:
    """The right to one call of one model at one host. It is given back by leaving `Pool.slot`."""

    id: int
    server: Server
    held: Held
    wish: Wish
    why: Why
    came: float  # when its caller first asked, by the pool's clock
    began: float
    queued: float  # seconds in our line, without `load`
    load: float  # seconds of the wait in which the model was being loaded
    sent_back: int = 0  # how often the call had a slot before that was taken away
    is_sent_back: bool = False  # this one is: it must be given up at once
    goes_on: bool = False  # its task will ask again, once it has done what it was told to
    on_sent_back: Callable[[], object] | None = None  # how its holder is told; None: it keeps it

    @property
    def host(self) -> OllamaHost:
        return self.server.host

    @property
    def num_ctx(self) -> int:
        """With which the model is loaded, and must be asked; 0: not to be named."""
        return self.held.num_ctx

    def send_back(self) -> None:
        """Have whoever holds it give it up."""
        if self.on_sent_back is not None:
            self.is_sent_back = True
            self.on_sent_back()
