//! A packed tile, in each of the ways: it becomes pixels, each of which it fills, or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let nbyte = ccdstream::fuzzing::tile(bytes).map_or(1, |pixels| pixels.len());
    assert!((1..=255 * 255 * 8).contains(&nbyte));
});
