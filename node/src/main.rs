//! The program: parses the command line, runs the verb, and turns its outcome into an exit code.

use std::process::ExitCode;

/// Events are many small allocations that one thread makes and another frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hive_node::cli::main()
}
