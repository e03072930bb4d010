//! The door: where frames come in.
//!
//! Names become files (`names`), files become HDUs (`file`), an HDU becomes the place of its pixels (`planes`); what its header
//! says for a calibration stands beside them (`raw`). What is packed as a whole is unpacked first (`unpacked`); an image that is packed
//! tile by tile has the header that it had before (`translated`), and its pixels come out of the tiles when they are read (`tiles`). Of all that fit together a list is made (`list`), the masters are held
//! against it (`masters`), and a [`Reader`] copies their stored bytes. Nothing is decoded here.

mod agree;
mod bad_pixels;
mod chips;
mod choose;
mod companions;
mod condition;
mod damage;
mod datasum;
mod file;
mod first;
mod first_bytes;
mod frame;
mod list;
mod masters;
mod names;
mod packed_file;
mod planes;
mod raw;
mod reader;
mod remarks;
mod rows;
#[cfg(test)]
mod sample;
mod section;
mod tiles;
mod translated;
mod unit;
mod unpacked;
mod way;

pub(crate) use damage::{only_damaged, skipped};
pub(crate) use datasum::datasum;
pub(crate) use frame::{Frame, Stamp};
pub(crate) use list::{FrameList, Selection, image_hdus, image_hdus_of, open, open_one};
pub(crate) use masters::{Master, Masters, masters};
pub(crate) use names::{Named, expand};
pub(crate) use raw::Raw;
pub(crate) use reader::{Reader, spare_descriptors};
pub(crate) use tiles::{Desk, Desks, Tiles};
pub(crate) use unpacked::{Unpacked, Wanted};
pub(crate) use way::TOGETHER;
