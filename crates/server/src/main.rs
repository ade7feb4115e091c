//! `latchkey-server`: the licensing service and its administration.

fn main() -> std::process::ExitCode {
    latchkey_server::cli::main()
}
