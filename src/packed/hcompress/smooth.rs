//! Differences that were lost are taken from the slope of the means around them, as far as the loss allows.

/// Smooths the coefficients of a level: a corner of so many rows and columns, rows `pitch` apart. None is changed by more than `most`.
pub(super) fn smooth(numbers: &mut [i64], (nrow, ncol): (usize, usize), pitch: usize, most: i64) {
    // Means stand at even rows and columns; those on the edges have no slope.
    let inner = |length: usize| (2..length.saturating_sub(2)).step_by(2);
    let every = |length: usize| (0..length).step_by(2);
    for row in inner(nrow) {
        for at in every(ncol).map(|col| row * pitch + col) {
            slope(numbers, at, 2 * pitch, at + pitch, most);
        }
    }
    for row in every(nrow) {
        for at in inner(ncol).map(|col| row * pitch + col) {
            slope(numbers, at, 2, at + 1, most);
        }
    }
    for row in inner(nrow) {
        for at in inner(ncol).map(|col| row * pitch + col) {
            curvature(numbers, at, pitch, most);
        }
    }
}

/// Moves the difference at `of` toward the slope of the means `apart` on either side of that at `at`.
fn slope(numbers: &mut [i64], at: usize, apart: usize, of: usize, most: i64) {
    let (before, mean, behind) = (numbers[at - apart], numbers[at], numbers[at + apart]);
    let (up, down) = (behind.wrapping_sub(mean), mean.wrapping_sub(before));
    let high = up.min(down).max(0) << 2;
    let low = up.max(down).min(0) << 2;
    if let Some(place) = numbers.get_mut(of)
        && low < high
    {
        let wanted = behind.wrapping_sub(before).min(high).max(low);
        step(place, wanted, 3, most);
    }
}

/// The same with the difference along both axes, and the means around that at `at`.
fn curvature(numbers: &mut [i64], at: usize, pitch: usize, most: i64) {
    let mean = numbers[at];
    let corner = |place: usize| numbers[place].wrapping_sub(mean);
    let (up, down) = (at - 2 * pitch, at + 2 * pitch);
    let (mm, pm, mp, pp) = (
        corner(up - 2),
        corner(down - 2),
        corner(up + 2),
        corner(down + 2),
    );
    let (x, y) = (numbers[at + pitch] << 1, numbers[at + 1] << 1);
    let bound = |first: fn(i64, i64) -> i64, second: fn(i64, i64) -> i64| {
        let one = first(
            second(pp, 0).wrapping_sub(x).wrapping_sub(y),
            second(pm.wrapping_neg(), 0).wrapping_add(x).wrapping_sub(y),
        );
        let other = first(
            second(mp.wrapping_neg(), 0).wrapping_sub(x).wrapping_add(y),
            second(mm, 0).wrapping_add(x).wrapping_add(y),
        );
        first(one, other) << 4
    };
    let high = bound(i64::min, i64::max);
    let low = bound(i64::max, i64::min);
    if low < high {
        let wanted = pp.wrapping_add(mm).wrapping_sub(mp).wrapping_sub(pm);
        step(
            &mut numbers[at + pitch + 1],
            wanted.min(high).max(low),
            6,
            most,
        );
    }
}

/// Changes a coefficient toward the difference that is wanted, of which it is a part of so many bits.
fn step(place: &mut i64, wanted: i64, bits: u32, most: i64) {
    let missing = wanted.wrapping_sub(*place << bits);
    // Toward zero, as a division is.
    let change = if missing >= 0 {
        missing >> bits
    } else {
        missing.wrapping_add((1 << bits) - 1) >> bits
    };
    *place = place.wrapping_add(change.clamp(-most, most));
}
