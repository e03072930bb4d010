//! What is told of the samples of a run that is taken up.

use super::*;
use ccdstream::recipe::Neighbours;

#[test]
fn what_was_rejected_is_told_of_the_whole_run() {
    let place = night();
    let flags = format!("{FLAGS} --grow 1.5");
    place.done(&format!(
        "combine -q {flags} --rejected wanted -o want.fits 'f*.fits'"
    ));
    let mut recipe = recipe(&place);
    recipe.stack.neighbours = Neighbours {
        grow: 1.5,
        hole_fill: 0,
    };
    recipe.output.rejected = Some(place.path("masks"));
    recipe.output.overwrite = true;
    let error = stopped(&recipe, ONE_WALK + ONE_WALK / 2);
    assert_eq!(error.exit_code(), 143, "{error}");
    let hidden = [".out.fits.part", ".out.fits.rejected", ".out.fits.state"];
    assert_eq!(left(&place), hidden);
    // Without what was told beside, nothing of it is of use.
    let told = fs::read(place.path(".out.fits.rejected")).unwrap();
    assert!(told.len() == 900 * 700 * 2, "{}", told.len());
    let summary = place.json(&format!(
        "combine {flags} --rejected masks -o out.fits --overwrite --resume -j 3 --mem-limit 200M 'f*.fits'"
    ));
    assert!(summary["resumed_pixels"].as_u64() > Some(0));
    assert!(
        place.bytes("out.fits") == place.bytes("want.fits"),
        "the outputs differ"
    );
    assert_masks(&place);
    assert_eq!(left(&place), ["out.fits"]);
}

/// Wants the masks to be those of the run that nobody disturbed.
#[track_caller]
fn assert_masks(place: &Place) {
    for n in 0..8 {
        let [got, want] =
            ["masks", "wanted"].map(|folder| place.bytes(&format!("{folder}/f{n}.fits")));
        assert!(got == want, "f{n}.fits");
    }
}

#[test]
fn killed_again_and_again_it_tells_the_same_of_every_sample() {
    let place = night();
    let flags = format!("{FLAGS} --grow 1.5 --hole-fill 2");
    place.done(&format!(
        "combine -q {flags} --overwrite --rejected wanted -o ref.fits 'f*.fits'"
    ));
    killed_until_it_is_whole(&place, &format!("{flags} --rejected masks"));
    assert_masks(&place);
    assert_eq!(fs::read_dir(place.path("masks")).unwrap().count(), 8);
}
