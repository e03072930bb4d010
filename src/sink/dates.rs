//! The times of the frames, gathered one frame at a time: how long they were exposed, when the first began and the
//! last ended.

use std::time::Duration;

use jiff::civil::DateTime;

use crate::recipe::Method;

/// The times of the frames of a stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exposures {
    times: Vec<f64>,
    nframe: usize,
    earliest: Option<(DateTime, String)>,
    latest: Option<(DateTime, String)>,
}

impl Exposures {
    /// Adds the EXPTIME (in seconds), DATE-OBS and DATE-END of a frame, as far as it has them.
    pub(crate) fn add(
        &mut self,
        exptime: Option<f64>,
        date_obs: Option<&str>,
        date_end: Option<&str>,
    ) {
        self.nframe += 1;
        self.times.extend(exptime.filter(|time| time.is_finite()));
        let begin = date_obs.and_then(|text| Some((moment(text)?, text.trim())));
        if let Some((begin, text)) = begin
            && self
                .earliest
                .as_ref()
                .is_none_or(|(earliest, _)| begin < *earliest)
        {
            self.earliest = Some((begin, text.into()));
        }
        let told = date_end.and_then(|text| Some((moment(text)?, text.trim().to_owned())));
        // A date without the time of day does not tell when the exposure ended.
        let timed = begin
            .filter(|(_, text)| text.contains('T'))
            .map(|(begin, _)| begin);
        let end = told.or_else(|| {
            let time = Duration::try_from_secs_f64(exptime?).ok()?;
            let end = timed?.checked_add(time).ok()?;
            Some((end, end.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()))
        });
        if let Some(end) = end
            && self.latest.as_ref().is_none_or(|latest| end.0 > latest.0)
        {
            self.latest = Some(end);
        }
    }

    /// The exposure time of the result: the sum for a sum, the mean for an average, the median for a median; `None`
    /// where not every frame has one.
    pub(crate) fn exptime(&self, method: Method) -> Option<f64> {
        let count = self.times.len();
        if count == 0 || count < self.nframe {
            return None;
        }
        Some(match method {
            Method::Sum => self.times.iter().sum(),
            Method::Median | Method::Lmedian => {
                let mut sorted = self.times.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2])
            }
            _ => self.times.iter().sum::<f64>() / count as f64,
        })
    }

    /// The earliest DATE-OBS.
    pub(crate) fn date_obs(&self) -> Option<&str> {
        self.earliest.as_ref().map(|(_, text)| text.as_str())
    }

    /// The latest end of an exposure that can be told: DATE-END, or else DATE-OBS and the exposure time.
    pub(crate) fn date_end(&self) -> Option<&str> {
        self.latest.as_ref().map(|(_, text)| text.as_str())
    }
}

/// The moment that a date of a header names; `None` where it is not one of the standard's forms.
fn moment(text: &str) -> Option<DateTime> {
    let text = text.trim();
    if shaped(text, "dd/dd/dd") {
        // The form of before 2000, day first.
        let date = format!("19{}-{}-{}", &text[6..], &text[3..5], &text[..2]);
        return date.parse().ok();
    }
    let (date, time) = text.split_at_checked(10)?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let sound = shaped(date, "dddd-dd-dd")
        && (time.is_empty() || shaped(clock, "Tdd:dd:dd"))
        && fraction.bytes().all(|b| b.is_ascii_digit());
    // Digits behind the nanoseconds are more than any clock has.
    sound.then(|| {
        text.get(..29)
            .unwrap_or(text)
            .trim_end_matches('.')
            .parse()
            .ok()
    })?
}

/// Whether a text has this form, `d` standing for a digit.
fn shaped(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, form)| {
            if form == b'd' {
                byte.is_ascii_digit()
            } else {
                byte == form
            }
        })
}

/// A date as the standard wants it: the text itself, a mended one, or `None` where it is no date.
pub(super) fn standard_date(text: &str) -> Option<String> {
    let text = text.trim();
    let clock = shaped(text, "dd:dd:dd");
    let ambiguous =
        shaped(text, "dd/dd/dd") && text[6..].parse::<u8>().is_ok_and(|year| year <= 10);
    if clock || (moment(text).is_some() && !ambiguous) {
        return Some(text.into());
    }
    let mended = if ambiguous {
        // No CCD saw the first years of the twentieth century.
        format!("20{}-{}-{}", &text[6..], &text[3..5], &text[..2])
    } else {
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let date = text.get(..10)?.replace('/', "-");
        let time = text[10..].trim_start_matches([' ', 'T', 't']);
        let seconds = if shaped(time, "dd:dd") { ":00" } else { "" };
        if time.is_empty() {
            date
        } else {
            format!("{date}T{time}{seconds}")
        }
    };
    moment(&mended).map(|_| mended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposure_times_combine_as_the_method_does() {
        let mut exposures = Exposures::default();
        for time in [10.0, 40.0, 20.0, 10.0] {
            exposures.add(Some(time), None, None);
        }
        assert_eq!(exposures.exptime(Method::Sum), Some(80.0));
        assert_eq!(exposures.exptime(Method::Average), Some(20.0));
        assert_eq!(exposures.exptime(Method::Median), Some(15.0));
        exposures.add(None, None, None);
        assert_eq!(exposures.exptime(Method::Sum), None);
    }

    #[test]
    fn the_first_begin_and_the_last_end_are_kept() {
        let mut exposures = Exposures::default();
        exposures.add(Some(600.0), Some("2024-03-01T22:00:00.5"), None);
        exposures.add(Some(30.0), Some("2024-03-01T22:05:00"), None);
        exposures.add(Some(30.0), Some("nonsense"), None);
        assert_eq!(exposures.date_obs(), Some("2024-03-01T22:00:00.5"));
        assert_eq!(exposures.date_end(), Some("2024-03-01T22:10:00.500"));
        exposures.add(None, Some("2024-02-29"), Some("2024-03-02T00:00:00"));
        assert_eq!(exposures.date_obs(), Some("2024-02-29"));
        assert_eq!(exposures.date_end(), Some("2024-03-02T00:00:00"));
    }

    #[test]
    fn a_day_does_not_tell_when_an_exposure_ended() {
        let mut exposures = Exposures::default();
        exposures.add(Some(600.0), Some("21/06/98"), None);
        assert_eq!(
            (exposures.date_obs(), exposures.date_end()),
            (Some("21/06/98"), None)
        );
    }

    #[test]
    fn dates_are_mended_where_they_can_be_understood() {
        for (text, date) in [
            ("2004-06-21T22:14:00.123", Some("2004-06-21T22:14:00.123")),
            ("2004-06-21", Some("2004-06-21")),
            ("21/06/98", Some("21/06/98")),
            ("22:14:00", Some("22:14:00")),
            ("2004-06-21 22:14:00", Some("2004-06-21T22:14:00")),
            ("2004/06/21", Some("2004-06-21")),
            ("2004-06-21T22:14Z", Some("2004-06-21T22:14:00")),
            ("21/06/04", Some("2004-06-21")),
            ("2004-13-21", None),
            ("2004-06-21T25:00:00", None),
            ("yesterday", None),
            ("", None),
            ("2004-06-2°T22:14:00", None),
        ] {
            assert_eq!(standard_date(text).as_deref(), date, "{text}");
        }
    }
}
