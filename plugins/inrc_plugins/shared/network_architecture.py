"""What the architectures that train one kind of network have in common."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from codec.plugin_api.architecture import CLASS_F_PEAK, Config, TensorSpec


class NetworkConfig(Protocol):
    """The checked config of a network, from which its tensors follow."""

    def tensors(self, components: int) -> tuple[TensorSpec, ...]:
        """As `codec.plugin_api.architecture.Architecture.tensors`."""
        ...

    def multiply_adds(self, components: int) -> int:
        """As `codec.plugin_api.architecture.Architecture.multiply_adds`."""
        ...


class NetworkArchitecture:
    """An architecture of which every sample can be evaluated at any position, in class F.

    Attributes:
        config: the class of its configs, with a `from_map` that checks one.
    """

    staged = True
    bounded = False
    config: ClassVar[Any]

    def _checked(self, config: Config, shape: tuple[int, ...]) -> NetworkConfig:
        found: NetworkConfig = self.config.from_map(config, shape)
        return found

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        return self._checked(config, shape).tensors(components)

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        return self._checked(config, shape).multiply_adds(components)

    def tolerance(self, config: Config) -> float:
        return CLASS_F_PEAK

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        return tuple(min(1 << level, size) for size in shape)
