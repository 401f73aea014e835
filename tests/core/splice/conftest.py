"""Both readers of YAML: the fast one, and the one that knows every place."""

import pytest

from failover_api.core.splice.yaml_tree import Reader, read_fast, read_pure


@pytest.fixture(params=[read_fast, read_pure], ids=["fast", "pure"])
def reader(request: pytest.FixtureRequest) -> Reader:
    chosen: Reader = request.param
    return chosen
