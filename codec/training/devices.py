"""Choice of the device that computes."""

from __future__ import annotations

import importlib.util
import os
import shutil

from codec.errors import InvalidOptionError, MissingDependencyError


def choose_device(option: str) -> str:
    """ "cpu" or "cuda" for "cpu", "cuda" or "auto"; torch is imported only if it is there.

    Raises:
        InvalidOptionError: an unknown option, or CUDA was asked for and there is no GPU.
        MissingDependencyError: CUDA was asked for and torch is not installed.
    """
    if option == "cpu":
        return "cpu"
    if option not in ("cuda", "auto"):
        raise InvalidOptionError(f"device {option!r}: choose auto, cpu or cuda")
    if option == "auto" and not _driver_present():
        # Saves the seconds that importing torch takes, on the many machines without a GPU.
        return "cpu"
    if option == "auto" and importlib.util.find_spec("torch") is None:
        return "cpu"
    need_torch("--device cuda")
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if option == "cuda":
        raise InvalidOptionError("--device cuda: torch finds no CUDA GPU here; use cpu or auto")
    return "cpu"


def gpu_count(option: str) -> int:
    """Number of GPUs there are to encode on; 0 where the device is the CPU."""
    if choose_device(option) == "cpu":
        return 0
    import torch

    return torch.cuda.device_count()


def use_one_gpu(option: str, worker: int | str) -> None:
    """Make "cuda" mean one GPU for this process: that of the worker's number, round and round."""
    if (count := gpu_count(option)) > 1 and str(worker).isdecimal():
        import torch

        torch.cuda.set_device(int(worker) % count)


def need_torch(purpose: str) -> None:
    """Raise `MissingDependencyError` unless torch, which `purpose` needs, is installed."""
    if importlib.util.find_spec("torch") is None:
        raise MissingDependencyError.without_torch(purpose)


def _driver_present() -> bool:
    return os.path.exists("/dev/nvidiactl") or shutil.which("nvidia-smi") is not None
