//! Every kernel equals its textbook twin to the bit: on every width of this machine, in f32 and f64, with absent
//! samples, ties, −0, denormals and huge values, in every lane.

mod draw;
mod of_frames;
mod of_sorted;

use super::*;
use draw::{Drawn, SIZES};

/// Runs a check on blocks of every size, kind of samples and width.
fn for_every_block<T: Sample>(check: impl Fn(Width, &Drawn<T>)) {
    for nframe in SIZES() {
        for kind in 0..draw::KINDS {
            let drawn = Drawn::<T>::new(nframe, kind, nframe as u64);
            for width in Width::available() {
                check(width, &drawn);
            }
        }
    }
}
