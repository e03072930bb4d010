//! The memory of a thread that calibrates frames into files.

use crate::pipeline::calibrating::MasterDesk;

/// Room for a run of pixels of one frame: it grows to what the plan holds, and no further.
#[derive(Debug)]
pub(super) struct Desk {
    /// Pixels of a run at most.
    pub(super) capacity: usize,
    /// Stored bytes of a plane, read or to be written.
    pub(super) bytes: Vec<u8>,
    pub(super) value: Vec<f64>,
    pub(super) deviation: Vec<f64>,
    pub(super) masked: Vec<bool>,
    pub(super) masters: MasterDesk,
}

impl Desk {
    /// Bytes of a pixel of a run, the masters aside.
    pub(super) const PIXEL_NBYTE: usize = 8 + 2 * size_of::<f64>() + size_of::<bool>();

    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            bytes: Vec::new(),
            value: Vec::new(),
            deviation: Vec::new(),
            masked: Vec::new(),
            masters: MasterDesk::default(),
        }
    }

    /// Room for the stored bytes of a plane.
    pub(super) fn room(&mut self, nbyte: usize) -> &mut [u8] {
        self.bytes.resize(nbyte, 0);
        &mut self.bytes
    }
}
