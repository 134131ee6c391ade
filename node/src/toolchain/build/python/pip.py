"""pip, choosing for the Python inside a component: its own options do so for wheels, and not for environment markers."""

import runpy
import sys

if sys.path[0] == "":
    # The folder that it is run in has the project's modules.
    sys.path.pop(0)

INSIDE = {
    "implementation_name": "cpython",
    "implementation_version": "3.14.0",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_python_implementation": "CPython",
    "platform_release": "0.0.0",
    "platform_system": "wasi",
    "platform_version": "0.0.0",
    "python_full_version": "3.14.0",
    "python_version": "3.14",
    "sys_platform": "wasi",
}

try:
    from pip._vendor.packaging import markers

    markers.default_environment = INSIDE.copy
except ImportError:
    # It is none of pip's promises: without it markers speak of this machine, as wheels do not.
    pass
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
