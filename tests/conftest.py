"""Which tests run when: the long ones only when their mark was asked for."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `make hardening` runs, unless marks were asked for."""
    if not config.option.markexpr:
        long = [item for item in items if item.get_closest_marker("hardening")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)
