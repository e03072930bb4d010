//! Maps, their faults, and what the system tells.

use std::io::Write;

use super::*;

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("written");
    file
}

#[test]
fn ranges_are_copied_one_behind_the_other() {
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let map = Map::new(&file_of(&bytes)).expect("mapped");
    let mut whole = vec![0; bytes.len()];
    assert_eq!(
        map.copy(std::iter::once(0..bytes.len()), &mut whole),
        Ok(())
    );
    assert!(whole == bytes);
    let mut parts = [0; 6];
    map.copy(
        [1..3, 2_097_151..2_097_153, 4_999_998..5_000_000].into_iter(),
        &mut parts,
    )
    .expect("copied");
    assert_eq!(
        parts,
        [
            1,
            2,
            bytes[2_097_151],
            bytes[2_097_152],
            bytes[4_999_998],
            bytes[4_999_999]
        ]
    );
}

#[test]
fn a_file_that_shrinks_while_it_is_mapped_is_an_error_from_then_on() {
    let file = file_of(&vec![7; 40_000]);
    let map = Map::new(&file).expect("mapped");
    file.set_len(10_000).expect("shortened");
    let mut into = vec![0; 40_000];
    assert_eq!(
        map.copy(std::iter::once(0..40_000), &mut into),
        Err(CutShort)
    );
    assert_eq!(into[9_999], 7);
    // The pages that were put in the place of missing ones do not fault again, yet are no data.
    assert_eq!(
        map.copy(std::iter::once(20_000..20_010), &mut into[..10]),
        Err(CutShort)
    );
    let other = Map::new(&file_of(&[1, 2, 3])).expect("mapped");
    assert_eq!(other.copy(std::iter::once(1..3), &mut into[..2]), Ok(()));
}

#[test]
fn what_was_copied_does_not_stay_resident() {
    let file = file_of(&vec![1; 64 << 20]);
    let map = Map::new(&file).expect("mapped");
    let before = own_status("RssFile:").expect("the system says it").0;
    for start in (0..map.len()).step_by(1 << 20) {
        map.copy(
            std::iter::once(start..start + (1 << 20)),
            &mut vec![0; 1 << 20],
        )
        .expect("copied");
    }
    let after = own_status("RssFile:").expect("the system says it").0;
    assert!(after < before + (16 << 20), "{before} grew to {after}");
    assert!(peak_resident() > page_tables());
}
