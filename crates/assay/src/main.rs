//! The one binary: reads its configuration, and runs the command that was asked for.

use std::process::ExitCode;

use assay::cli::{Cli, Command};
use assay::config::Config;
use assay::exit;
use clap::Parser as _;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::ReadDocument) {
        return assay::commands::read_document();
    }
    #[cfg(feature = "faults")]
    if let Err(error) = assay::config::arm_faults() {
        return exit::failure(&error.into());
    }
    let config = match Config::from_environment(&cli) {
        Ok(config) => config,
        Err(errors) => return exit::configuration(&errors),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit::failure(&error.into()),
    };
    let code = match runtime.block_on(assay::commands::run(cli.command, config)) {
        Ok(code) => code,
        Err(error) => exit::failure(&error),
    };
    // What still blocks, such as a read of standard input, does not hold up the end.
    runtime.shutdown_background();
    code
}
