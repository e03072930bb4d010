//! An image while its pixels are walked: it fails alone, and its fault does not depend on what the threads do.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::super::chip::Begun;
use super::super::lock;
use super::Fate;
use crate::summary::ReducedFrame;

/// An image whose pixels are walked, by several threads.
pub(super) struct Walking<'a> {
    /// Its file, by its place in the batch.
    pub(super) file: usize,
    pub(super) image: Begun<'a>,
    nmasked: AtomicU64,
    /// The first run that failed. Runs before it are still done, so that the fault that is told is the same whatever the threads do.
    failed_at: AtomicUsize,
    fault: Mutex<Option<(usize, String)>>,
}

/// What came of an image.
pub(super) struct Ended {
    pub(super) told: ReducedFrame,
    pub(super) bytes: u64,
    pub(super) drops_mask: bool,
}

impl<'a> Walking<'a> {
    pub(super) fn new(file: usize, image: Begun<'a>) -> Self {
        Self {
            file,
            image,
            nmasked: AtomicU64::new(0),
            failed_at: AtomicUsize::new(usize::MAX),
            fault: Mutex::new(None),
        }
    }

    pub(super) fn is_going(&self, at: usize) -> bool {
        at < self.failed_at.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, nmasked: u64) {
        self.nmasked.fetch_add(nmasked, Ordering::Relaxed);
    }

    pub(super) fn fail(&self, at: usize, why: &str) {
        self.failed_at.fetch_min(at, Ordering::Relaxed);
        let mut fault = lock(&self.fault);
        if fault.as_ref().is_none_or(|(before, _)| at < *before) {
            *fault = Some((at, why.to_owned()));
        }
    }

    /// What came of it, and of which file it is.
    pub(super) fn end(self) -> (usize, Fate<Ended>) {
        let nmasked = self.nmasked.into_inner();
        let fault = self.fault.into_inner();
        let ended = match fault.unwrap_or_else(PoisonError::into_inner) {
            Some((_, fault)) => Err(fault),
            None => match self.image.unchanged() {
                Err(changed) => Err(changed.to_string()),
                Ok(()) => Ok(Ended {
                    told: self.image.told(nmasked),
                    bytes: self.image.bytes_read(),
                    drops_mask: nmasked == 0 && self.image.mask_may_go(),
                }),
            },
        };
        (self.file, ended)
    }
}

/// Parts frames by what they share.
pub(super) fn groups<'f, 'a>(frames: &'f [Walking<'a>]) -> Vec<Vec<&'f Walking<'a>>> {
    let mut groups: Vec<Vec<&Walking<'a>>> = Vec::new();
    for frame in frames {
        let shares =
            |group: &&mut Vec<&Walking<'_>>| group[0].image.chip().shares_with(frame.image.chip());
        match groups.iter_mut().find(shares) {
            Some(group) => group.push(frame),
            None => groups.push(vec![frame]),
        }
    }
    groups
}
