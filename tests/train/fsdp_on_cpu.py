"""Runs `vsd` with FSDP on processes without a GPU, which accelerate offers for GPUs alone."""

from __future__ import annotations

import sys
from typing import Any

from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from llava_vsd.cli.app import main

_begin = AcceleratorState.__init__


def _begin_divided(self: AcceleratorState, *args: Any, fsdp_plugin: Any = None, **more: Any) -> None:
    _begin(self, *args, fsdp_plugin=fsdp_plugin, **more)
    if fsdp_plugin is not None:
        if self._mixed_precision != "no":
            fsdp_plugin.set_mixed_precision(self._mixed_precision)
        self.distributed_type, self.fsdp_plugin = DistributedType.FSDP, fsdp_plugin


AcceleratorState.__init__ = _begin_divided
main(sys.argv[1:])
