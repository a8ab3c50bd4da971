"""What a kernel promises; `kernels/<name>/kernel.py` imports everything from here."""

from kernels.contract.arguments import (
    Arg,
    Array,
    Function,
    Role,
    Work,
    arg_in,
    arg_out,
    arg_param,
    bfloat16,
)
from kernels.contract.cases import Case, random_array, standard_cases
from kernels.contract.kernel import Kernel
from kernels.contract.tolerance import Exact, IntSteps, Relative, Spread, Tolerance, Ulps

__all__ = [
    "Arg",
    "Array",
    "Case",
    "Exact",
    "Function",
    "IntSteps",
    "Kernel",
    "Relative",
    "Role",
    "Spread",
    "Tolerance",
    "Ulps",
    "Work",
    "arg_in",
    "arg_out",
    "arg_param",
    "bfloat16",
    "random_array",
    "standard_cases",
]
