//! house plan, written last

mod decode;
pub mod demo;
mod error;
mod grammar;
mod header;
pub mod kernel;
mod level;
mod measure;
mod pipeline;
mod pixels;
mod plan;
pub mod recipe;
mod shape;
mod sink;
mod source;
mod stack;
mod summary;
#[expect(unsafe_code, reason = "memory maps, and the calls of CFITSIO")]
mod sys;
mod tile;
mod units;
mod watch;

pub use error::{Error, Result};
pub use pipeline::{combine, plan};
pub use pixels::SampleType;
pub use plan::{Part, Plan};
pub use recipe::Recipe;
pub use shape::{Area, Section, Shape};
pub use summary::{ClipCount, Memory, Noise, Reading, RoomTime, Summary, WorstFrame};
pub use sys::settle_process;
pub use units::{ByteSize, Limit};
pub use watch::{Walk, Watch};
