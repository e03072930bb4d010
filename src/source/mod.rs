//! The door: where frames come in.
//!
//! Names become files (`names`), files become HDUs (`file`), an HDU becomes the place of its pixels (`planes`); of all
//! that fit together a list is made (`list`), and a [`Reader`] copies their stored bytes. Nothing is decoded here.

mod agree;
mod choose;
mod companions;
mod condition;
mod file;
mod frame;
mod list;
mod names;
mod planes;
mod reader;
mod rows;
#[cfg(test)]
mod sample;

pub(crate) use frame::Frame;
pub(crate) use list::{FrameList, Selection, image_hdus, open};
pub(crate) use reader::{Companion, Reader};
