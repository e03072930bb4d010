//! Text from headers, file names and arguments, made safe for a terminal.

use std::fmt::Write;

/// The characters that `escape_debug` escapes although a terminal shows them as they are.
const SHOWN: [char; 3] = ['\'', '"', '\\'];

/// Returns `text` with every character that is not printable escaped: control characters (ESC, newline, tab), those that
/// turn the writing direction or have no width, and what is no character yet. The result is one line.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for piece in text.split_inclusive(SHOWN) {
        let body = piece.trim_end_matches(SHOWN);
        plain.extend(body.escape_debug());
        plain.push_str(&piece[body.len()..]);
    }
    plain
}

/// As [`plain`], line by line.
pub(crate) fn plain_lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

/// Returns JSON in which the same characters stand as `\uXXXX`; the value is unchanged.
pub(crate) fn plain_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' {
            plain.push(c);
        } else {
            // Characters beyond 16 bits are two such escapes in JSON.
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(plain, "\\u{unit:04x}").expect("a String takes all text");
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        for (text, safe) in [
            ("\x1b[2Jf.fits", "\\u{1b}[2Jf.fits"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{202e}stif.f", "\\u{202e}stif.f"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("\u{2028}\u{e0041}", "\\u{2028}\\u{e0041}"),
        ] {
            assert_eq!(plain(text), safe);
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in [
            "f.fits[SCI,2]",
            "it's \"my\" C:\\frames",
            "Größe 2048 × 2048 σ",
            "星団",
            "e\u{301}",
            "--'",
            "",
        ] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(plain_lines("one\n\x1btwo\n"), "one\n\\u{1b}two\n");
    }

    #[test]
    fn json_keeps_its_value() -> serde_json::Result<()> {
        let text = "\x1b\u{7f}\u{202e}\u{9b} \u{1f52d} \"σ\"\n";
        let json = plain_json(&serde_json::to_string(text)?);
        assert!(
            json.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<String>(&json)?, text);
        Ok(())
    }
}
