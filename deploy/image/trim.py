"""Remove from a virtual environment the files that no image opens: tests, sources of compiled modules, tools.

    python3 trim.py /app/venv

Each pattern must match something where its package is installed; so a pattern that no longer fits a new release of the
package is noticed.
"""

import shutil
import sys
from pathlib import Path

UNUSED = (
    # Test suites, and data for them.
    "numpy/**/tests",
    "pyarrow/tests",
    "tornado/test",
    "zmq/tests",
    "matplotlib/tests",
    "onnx/backend/test",
    "pandas/tests",
    "scipy/**/tests",
    "sklearn/**/tests",
    "statsmodels/**/tests",
    # Sources of compiled modules, and headers to compile others against them.
    "**/*.pyx",
    "**/*.pxd",
    "**/*.pxi",
    "**/*.pyi",
    "numpy/_core/include",
    "numpy/_core/lib",
    "pyarrow/include",
    "pyarrow/src",
    # ONNX Runtime a second time, for programs in C; the module for Python has all of it.
    "onnxruntime/capi/libonnxruntime.so.*",
    # Arrow over gRPC, and copies of a library under the names that only a linker looks for.
    "pyarrow/libarrow_flight.so.*",
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/_flight.*",
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.*.*",
    "pyarrow/_pyarrow_cpp_tests.*",
    # Tools of its developers' for other people's models.
    "onnxruntime/transformers",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    # NumPy's old build system.
    "numpy/distutils",
)
UNUSED_WITHOUT_SCIPY = ("numpy/f2py",)
"""NumPy's Fortran compiler; SciPy imports all that NumPy names."""


def main(environment: Path) -> None:
    """Remove from the environment's site-packages all that the patterns match."""
    (packages,) = environment.glob("lib/python3.*/site-packages")
    for pattern in UNUSED if (packages / "scipy").exists() else (*UNUSED, *UNUSED_WITHOUT_SCIPY):
        package = pattern.partition("/")[0]
        if package != "**" and not (packages / package).exists():
            continue
        found = list(packages.glob(pattern))
        if not found:
            sys.exit(f"trim.py: nothing matches {pattern} any more")
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


main(Path(sys.argv[1]))
