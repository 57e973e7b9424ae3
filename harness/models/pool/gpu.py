"""The memory of this machine's GPUs, as NVIDIA's driver tells it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from ipaddress import ip_address
from types import ModuleType
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Card:
    """The memory of one GPU, in bytes."""

    total: int
    free: int


def cards() -> tuple[Card, ...] | None:
    """The GPUs of this machine; None where there is none, or no driver that tells. Never raises;
    a call takes milliseconds, the first one more."""
    nvml = driver()
    if nvml is None:
        return None
    try:
        handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
        told = [nvml.nvmlDeviceGetMemoryInfo(handle) for handle in handles]
        return tuple(Card(int(each.total), int(each.free)) for each in told) or None
    except Exception:  # the boundary to a driver: whatever it trips over, nothing is known
        return None


@cache
def driver() -> ModuleType | None:
    """The driver's library, ready to be asked; None where it is absent or broken."""
    try:
        nvml = import_module("pynvml")  # here: most machines have no use for it
        nvml.nvmlInit()
    except Exception:  # the boundary to a driver, as above
        return None
    return nvml


def is_here(url: str) -> bool:
    """Whether an address is this machine's own, so that its GPUs are the server's."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
