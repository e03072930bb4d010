//! ccdstream, the program: reads the command line, carries out the command, says how it went.
//!
//! ```text
//! main ── cli: what was typed becomes a recipe ── the library: combine(recipe) ── cli: summary ── main: exit status
//! ```
#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use cli::{Command, Out, Screen};

fn main() -> ExitCode {
    ccdstream::settle_process();
    let (mut out, screen) = (Out, Screen::default());
    let program = match cli::read(std::env::args_os(), &screen) {
        Ok(program) => program,
        Err(status) => return status,
    };
    let done = match &program.command {
        Command::Combine(typed) => cli::combine(typed, &mut out, &screen),
        Command::Calibrate(typed) => cli::calibrate(typed, &mut out, &screen),
        Command::Demo(typed) => cli::demo(typed, &mut out, &screen),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.say("error", &cli::chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}
