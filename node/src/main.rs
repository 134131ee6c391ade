//! The program: parses the command line, runs the verb, and turns its outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    hive_node::cli::main()
}
