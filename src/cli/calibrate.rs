//! What can be typed behind `calibrate`.

use std::ffi::OsString;
use std::path::PathBuf;

use ccdstream::Section;
use ccdstream::recipe::Plane;
use clap::Args;

use super::args::{Frames, Messages, PIXEL_TYPES, Resources};
use super::calibrating::Calibrating;
use super::compression::Compression;
use super::{help, parse};

/// Calibrate frames: overscan, bias, dark, flat and their kin, each frame into a file of its own
#[derive(Debug, Args)]
#[command(long_about = help::CALIBRATE_LONG, after_help = help::CALIBRATE_SHORT, after_long_help = help::CALIBRATE_AFTER)]
pub(crate) struct Calibrate {
    /// Frames: files, HDUs of files, folders, 'patterns' and @lists; @- is a list on standard input
    #[arg(required = true, value_name = "FRAMES", long_help = help::FRAMES)]
    pub(crate) names: Vec<OsString>,
    #[command(flatten)]
    pub(crate) folder: Folder,
    #[command(flatten)]
    pub(crate) frames: Frames,
    #[command(flatten)]
    pub(crate) calibrating: Calibrating,
    /// Section where --sky is measured, in trimmed pixels [default: the whole frame]
    #[arg(long, value_name = "[X1:X2,Y1:Y2]", help_heading = "Calibration", value_parser = parse::value::<Section>)]
    pub(crate) stats_section: Option<Section>,
    #[command(flatten)]
    pub(crate) resources: Resources,
    #[command(flatten)]
    pub(crate) messages: Messages,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Folder {
    /// The folder of the calibrated frames, made if it is not there
    ///
    /// It is always a folder, also for one frame. Each frame keeps its file name, less .gz or .fz, with .fz where --compress packs it; two of one name are refused before any work.
    #[arg(short = 'o', long = "output", value_name = "FOLDER")]
    pub(crate) path: PathBuf,

    /// Text that is added to the name of each frame, before its ending [default: none]
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub(crate) suffix: String,

    /// Replace outputs that exist; otherwise one that does is an error of its frame
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Planes to write: any of data,mask,uncertainty [default: data, and the others where there is something in them]
    ///
    /// data is always written. By default the uncertainty is written where the frame, a master or --deviation brings
    /// one, and the mask where a sample is masked.
    #[arg(long, value_name = "PLANES", value_delimiter = ',', value_parser = parse::plane_of_frame)]
    pub(crate) planes: Option<Vec<Plane>>,

    /// Type of the pixels
    ///
    /// auto is f32, or f64 where the frame needs it; a value that does not fit the type is an error.
    #[arg(long, value_name = "TYPE", default_value = "auto", value_parser = PIXEL_TYPES)]
    pub(crate) dtype: String,

    #[command(flatten)]
    pub(crate) compression: Compression,
}
