"""The making wing: data to model to graph.

Importing it holds the numeric libraries to vector units that every machine has, and so has to come
before NumPy and PyTorch: the widest units differ from machine to machine, and with them the last
bit of a sum, a logarithm and, in the end, the hash of a graph.
"""

import os
import platform

if platform.machine() in {"x86_64", "AMD64"}:
    for name, value in {
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        # The only branch that MKL takes on processors of every vendor:
        # https://www.intel.com/content/www/us/en/docs/onemkl/developer-guide-linux/2024-2/values-to-specify-the-cbwr-branch.html
        "MKL_CBWR": "COMPATIBLE",
    }.items():
        os.environ.setdefault(name, value)
