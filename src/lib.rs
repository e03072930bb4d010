//! house plan, written last

mod error;
mod pixels;
pub mod recipe;
mod shape;
mod summary;
mod units;
mod watch;

pub use error::{Error, Result};
pub use shape::{Area, Section, Shape};
