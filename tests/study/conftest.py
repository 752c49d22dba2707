"""What tests of studies share."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """One thread, as the workers that a study is compared with have."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
