"""Architectures: lists of tensors, and the functions that they parametrise."""

from __future__ import annotations

from ..errors import Unsupported
from ..headers import Item
from . import (
    amgsrn,
    constant,
    fvsrn,
    hashgrid,
    miner,
    neurcomp,
    pyramid,
    shell,
    siren,
)
from .plan import Plan

_KNOWN = {
    (0, 1): constant.plan,
    (1, 1): fvsrn.plan,
    (2, 1): pyramid.plan,
    (3, 1): shell.plan,
    (4, 1): neurcomp.plan,
    (5, 1): amgsrn.plan,
    (6, 1): miner.plan,
    (7, 1): siren.plan,
    (8, 1): hashgrid.plan,
}


def plan_item(item: Item) -> Plan:
    """Return the plan of an item (ITEM-5)."""
    make = _KNOWN.get((item.architecture, item.version))
    if make is None:
        raise Unsupported(f"ITEM-5: architecture {item.architecture} version {item.version}")
    return make(item)
