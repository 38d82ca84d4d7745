"""How many GPUs this process may use, asked of the driver without importing torch."""

import ctypes


def count_gpus() -> int:
    """Return the number of CUDA devices that the driver shows, CUDA_VISIBLE_DEVICES respected; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
