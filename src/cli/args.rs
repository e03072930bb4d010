//! What can be typed: the program, its commands, and the flags that every command on pixels has.

use std::path::PathBuf;
use std::time::Duration;

use ccdstream::Limit;
use ccdstream::recipe::{Condition, Hdu, Io};
use clap::{ArgAction, Args, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use super::calibrate::Calibrate;
use super::combine::Combine;
use super::progress::When;
use super::{help, parse};

// The manifest tells what the library is for; this, what the program can do.
const ABOUT: &str = "Calibrates astronomical FITS frames and combines stacks of them, out of core, within a memory limit";

/// The types that pixels of an output can have, as they are typed.
pub(super) const PIXEL_TYPES: [&str; 6] = ["auto", "f32", "f64", "i16", "u16", "i32"];

#[derive(Debug, Parser)]
#[command(name = "ccdstream", version, about = ABOUT, after_help = help::PROGRAM, max_term_width = 120)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Combine(Box<Combine>),
    Calibrate(Box<Calibrate>),
    Demo(Demo),
}

/// Make a small stack of frames, combine it within 64 MiB, and say what was measured
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder for the frames and the results, less than 100 MB; made if it is not there
    #[arg(default_value = "ccdstream-demo")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Frames")]
pub(crate) struct Frames {
    /// HDU to take in every file: auto, all, a number (0 is the primary), NAME or NAME,VERSION
    ///
    /// auto is the first image that is no companion plane; all takes every image in turn and writes them as extensions
    /// of one file.
    #[arg(long, value_name = "HDU", default_value = "auto", value_parser = parse::value::<Hdu>)]
    pub(crate) hdu: Hdu,

    /// Take only frames whose header agrees: KEY=VALUE, or with !=, <, <=, > or >=; repeatable
    ///
    /// Text is compared without case, * in VALUE matches any run; a frame without KEY is left out.
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = parse::value::<Condition>)]
    pub(crate) conditions: Vec<Condition>,

    /// EXTNAME of the masks beside the frames; none: look for none
    #[arg(long, value_name = "NAME", default_value = "MASK")]
    pub(crate) mask_hdu: String,

    /// EXTNAME of the uncertainties beside the frames; none: look for none
    #[arg(long, value_name = "NAME", default_value = "UNCERT")]
    pub(crate) uncertainty_hdu: String,

    /// A mask for every frame: an image, nonzero is bad [default: none]
    ///
    /// It has the shape of the frames, behind --trim where they are trimmed.
    #[arg(long, value_name = "FILE")]
    pub(crate) bad_pixels: Option<PathBuf>,

    /// Leave damaged frames out, where one is an error otherwise, and list them at the end
    #[arg(long, long_help = help::SKIP_BAD)]
    pub(crate) skip_bad: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Resources")]
pub(crate) struct Resources {
    /// Peak memory of the whole process, in bytes: 64M, 1G, 1GB or 50% [default: 50% of what it may use]
    #[arg(long, value_name = "SIZE", value_parser = parse::value::<Limit>, long_help = help::MEM_LIMIT)]
    pub(crate) mem_limit: Option<Limit>,

    /// Threads that work on pixels [default: the cores that the process may use]
    ///
    /// Their number never changes a bit of the output.
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) threads: Option<u16>,

    /// How frames are read: through memory maps, or by positioned reads
    ///
    /// auto reads: on every file system that we measured, that is faster than maps, and a disk that fails says why.
    #[arg(long, value_name = "HOW", default_value = "auto", value_parser = parse::word::<Io>(&["auto", "mmap", "read"]))]
    pub(crate) io: Io,

    /// Where packed frames are unpacked to [default: beside the output]
    ///
    /// Files that are packed as a whole (gzip, bzip2) are unpacked once a run, to temporary files without a name that
    /// are gone when it ends; frames that are packed in tiles (.fz) only where they cannot be unpacked by row bands.
    #[arg(long, value_name = "DIR")]
    pub(crate) temp_dir: Option<PathBuf>,

    /// Take up an interrupted run of the same command, with any limit and threads; start afresh where there is none
    ///
    /// A run that was stopped, killed, or met a full disk keeps what it has done beside the output. It is taken up only for the same
    /// choices and unchanged frames, and makes the same file. Where the output is whole already, nothing is done.
    #[arg(long)]
    pub(crate) resume: bool,

    // For tests of --resume, which cannot wait for so long: told in docs/faults.md.
    #[arg(long, hide = true, value_name = "SECONDS", default_value = "5", value_parser = parse::seconds)]
    pub(crate) sync_seconds: Duration,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct Messages {
    /// Print the plan on standard output, and stop: frames, row bands, memory by part, bytes to read
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Where to show a bar with bytes, rate and time left: on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto", value_enum)]
    pub(crate) progress: When,

    /// Print the summary (with --dry-run, the plan) on standard output, as one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress and no summary; warnings and errors stay
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more of what is done, on standard error; -vv: everything
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Messages {
    /// Up to which level events are written.
    pub(crate) fn level(&self) -> LevelFilter {
        match self.verbose {
            0 => LevelFilter::WARN,
            1 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        }
    }

    /// Where progress is shown.
    pub(crate) fn progress(&self) -> When {
        if self.quiet {
            When::Never
        } else {
            self.progress
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_hold_together() {
        Program::command().debug_assert();
    }

    #[test]
    fn help_says_what_every_flag_does_under_a_heading() {
        let mut program = Program::command();
        program.build();
        for command in program
            .get_subcommands()
            .filter(|command| command.get_name() != "help")
        {
            for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
                let id = flag.get_id().as_str();
                assert!(flag.get_help().is_some(), "{id}");
                let headed =
                    flag.get_help_heading().is_some() || flag.is_positional() || id == "help";
                assert!(headed, "{id}");
            }
        }
    }

    #[test]
    fn only_commands_that_exist_are_listed() {
        let program = Program::command();
        let names: Vec<&str> = program
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert_eq!(names, ["combine", "calibrate", "demo"]);
    }

    #[test]
    fn both_commands_on_frames_take_the_same_steps_of_a_calibration() {
        let mut program = Program::command();
        program.build();
        let mut flags = |name: &str| -> Vec<String> {
            let command = program.find_subcommand_mut(name).expect("it is listed");
            let help = command.render_long_help().to_string();
            assert!(help.contains("\nCalibration:\n"), "{help}");
            let steps = command
                .get_arguments()
                .filter(|flag| flag.get_help_heading() == Some("Calibration"));
            steps
                .map(|flag| flag.get_id().to_string())
                .filter(|id| id != "stats_section")
                .collect()
        };
        let steps = flags("calibrate");
        assert_eq!(steps, flags("combine"));
    }

    #[test]
    fn help_fits_a_terminal_of_80_columns() {
        let mut program = Program::command();
        program.build();
        for name in ["combine", "calibrate"] {
            let command = program.find_subcommand_mut(name).expect("it is listed");
            let tables = [command.get_after_help(), command.get_after_long_help()];
            for line in tables.into_iter().flatten().flat_map(|table| {
                let text = table.to_string();
                text.lines().map(str::to_owned).collect::<Vec<_>>()
            }) {
                // Prose is wrapped by clap; examples are not to be.
                let example = line.starts_with("  ");
                assert!(!example || line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn the_demo_has_a_folder_of_its_own() {
        for (typed, dir) in [
            (&["ccdstream", "demo"][..], "ccdstream-demo"),
            (&["ccdstream", "demo", "d"], "d"),
        ] {
            let program = Program::try_parse_from(typed).map(|program| program.command);
            assert!(matches!(program, Ok(Command::Demo(demo)) if *demo.dir == *dir));
        }
    }

    #[test]
    fn quiet_and_verbose_choose_what_is_said() {
        let messages = |flags: &[&str]| {
            let typed = ["ccdstream", "combine", "-o", "o", "f"].iter().chain(flags);
            match Program::try_parse_from(typed).map(|program| program.command) {
                Ok(Command::Combine(combine)) => {
                    Some((combine.messages.level(), combine.messages.progress()))
                }
                _ => None,
            }
        };
        assert_eq!(messages(&[]), Some((LevelFilter::WARN, When::Auto)));
        assert_eq!(messages(&["-v"]), Some((LevelFilter::INFO, When::Auto)));
        assert_eq!(messages(&["-vv"]), Some((LevelFilter::DEBUG, When::Auto)));
        assert_eq!(
            messages(&["-q", "--progress", "always"]),
            Some((LevelFilter::WARN, When::Never))
        );
        assert_eq!(messages(&["-q", "-v"]), None);
    }
}
