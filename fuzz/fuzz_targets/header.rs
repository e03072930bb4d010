//! The cards of a header: nothing that a file holds makes them panic, and the header of a result holds what the standard allows.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for card in ccdstream::fuzzing::header(bytes) {
        assert!(
            card.iter().all(|byte| (b' '..=b'~').contains(byte)),
            "{}",
            String::from_utf8_lossy(&card)
        );
    }
});
