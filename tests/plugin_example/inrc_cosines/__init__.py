"""An architecture for inrc made by somebody else: a field as a sum of cosines.

y(x) = sum over k of c_k prod_a cos(pi k_a (x_a + 1/2) / n_a), for k_a < terms_a: the first
coefficients of a cosine transform, which can be evaluated anywhere. An architecture is a config
(`config.py`), a network (`network.py`) and an evaluation (`evaluation.py`); fitting, pruning,
quantising and coding come with the base. Its number is one of those that are free for private use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codec.options.plugin_settings import setting
from codec.plugin_api.tasks import FitTask
from codec.training.network_architecture import DecodedNetwork, TrainedArchitecture
from inrc_cosines.config import CosinesConfig
from inrc_cosines.evaluation import CosinesEvaluator

if TYPE_CHECKING:
    from inrc_cosines.network import CosinesFamily

_PRIVATE = 1 << 31


@dataclass(frozen=True)
class CosinesSettings:
    """Settings that `--set arch.NAME=VALUE` takes."""

    rate: float = setting(0.02, "learning rate of the coefficients", low=1e-6, high=1)


class Cosines(TrainedArchitecture):
    """A sum of cosines."""

    identifier = _PRIVATE + 1
    name = "cosines"
    version = 1
    summary = "an example: the first coefficients of the cosine transform"
    config = CosinesConfig
    settings = CosinesSettings

    def on_cpu(self, network: DecodedNetwork) -> CosinesEvaluator:
        return CosinesEvaluator(network.config, network.shape, network.parameters[0])

    def family(self, task: FitTask) -> CosinesFamily:
        from inrc_cosines.network import CosinesFamily

        return CosinesFamily(task.active_sizes, task.components, task.settings)
