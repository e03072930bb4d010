//! Which frames are kept by what their headers say: `--where KEY=VALUE` and its kin.

use std::cmp::Ordering;

use crate::error::Error;
use crate::header::{Value, printable, read_number};
use crate::recipe::{Comparison, Condition};

/// The conditions of a run, and how many frames each let through.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    all: Vec<Tally<'a>>,
    nframe: usize,
}

#[derive(Debug)]
struct Tally<'a> {
    condition: &'a Condition,
    agreed: usize,
    absent: usize,
}

impl<'a> Conditions<'a> {
    pub(super) fn new(conditions: &'a [Condition]) -> Self {
        let all = conditions
            .iter()
            .map(|condition| Tally {
                condition,
                agreed: 0,
                absent: 0,
            })
            .collect();
        Self { all, nframe: 0 }
    }

    /// Whether a header, looked up by `value`, agrees with all conditions; each is asked, so that all can be counted.
    pub(super) fn agree(&mut self, value: impl Fn(&str) -> Option<Value>) -> bool {
        self.nframe += 1;
        let mut all = true;
        for tally in &mut self.all {
            let value = value(&tally.condition.keyword);
            let agrees = value
                .as_ref()
                .is_some_and(|value| holds(tally.condition, value));
            tally.absent += usize::from(value.is_none());
            tally.agreed += usize::from(agrees);
            all &= agrees;
        }
        all
    }

    /// The error for a run of which nothing is left.
    pub(super) fn nothing_left(&self) -> Error {
        let n = self.nframe;
        let shown = |tally: &Tally<'_>| format!("--where '{}'", shown(tally.condition));
        let culprit = self.all.iter().find(|tally| tally.agreed == 0);
        Error::NoFrames(match culprit {
            Some(tally) if tally.absent == n => {
                format!(
                    "none of {n} agrees with {}: none has {}",
                    shown(tally),
                    printable(&tally.condition.keyword)
                )
            }
            Some(tally) => format!("none of {n} agrees with {}", shown(tally)),
            None => {
                let all: Vec<_> = self.all.iter().map(shown).collect();
                format!("none of {n} agrees with all of {}", all.join(", "))
            }
        })
    }
}

/// A condition as it was typed.
fn shown(condition: &Condition) -> String {
    let sign = match condition.comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    };
    printable(&format!("{}{sign}{}", condition.keyword, condition.value))
}

/// Whether a value agrees with a condition: as numbers where both read as numbers, else as text without case.
fn holds(condition: &Condition, value: &Value) -> bool {
    let wanted = condition.value.trim();
    if let (Some(wanted), Some(value)) = (read_number(wanted), value.number()) {
        return value
            .partial_cmp(&wanted)
            .is_some_and(|order| is(condition.comparison, order));
    }
    let text = value.text().trim().to_lowercase();
    let wanted = wanted.to_lowercase();
    match condition.comparison {
        Comparison::Equal => matches(&wanted, &text),
        Comparison::NotEqual => !matches(&wanted, &text),
        other => is(other, text.cmp(&wanted)),
    }
}

fn is(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

/// Whether a text is of a form in which `*` stands for any run of characters.
fn matches(form: &str, text: &str) -> bool {
    let Some((head, rest)) = form.split_once('*') else {
        return form == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    // The earliest place of each part leaves the most for those that follow.
    for part in parts {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(keyword: &str, comparison: Comparison, value: &str) -> Condition {
        Condition {
            keyword: keyword.into(),
            comparison,
            value: value.into(),
        }
    }

    fn agrees(comparison: Comparison, wanted: &str, value: &Value) -> bool {
        holds(&condition("KEY", comparison, wanted), value)
    }

    #[test]
    fn numbers_compare_as_numbers_wherever_they_stand() {
        use Comparison as C;
        assert!(agrees(C::Equal, "60", &Value::Number(60.0)));
        assert!(agrees(C::Equal, "6e1", &Value::Text("60.0".into())));
        assert!(agrees(C::GreaterOrEqual, "9", &Value::Integer(10)));
        assert!(agrees(C::LessOrEqual, "10", &Value::Integer(10)));
        assert!(!agrees(C::Less, "10", &Value::Integer(10)));
        assert!(agrees(C::NotEqual, "1", &Value::Number(1.5)));
        assert!(agrees(C::Equal, "t", &Value::Logical(true)));
    }

    #[test]
    fn text_compares_without_case_and_a_star_is_any_run() {
        use Comparison as C;
        let text = || Value::Text("Dark Frame".into());
        for wanted in [
            "dark frame",
            "DARK*",
            "*frame",
            "d*k*e",
            "*",
            "dark frame*",
            "*ark*ram*",
        ] {
            assert!(agrees(C::Equal, wanted, &text()), "{wanted}");
            assert!(!agrees(C::NotEqual, wanted, &text()), "{wanted}");
        }
        for wanted in ["dark", "*dark", "d*x*e", "dark frame*frame", ""] {
            assert!(agrees(C::NotEqual, wanted, &text()), "{wanted}");
        }
        assert!(agrees(
            C::Less,
            "2024-02-01",
            &Value::Text("2024-01-31T23:59".into())
        ));
    }

    #[test]
    fn a_frame_without_the_keyword_is_left_out_whatever_is_asked() {
        let asked = [condition("FILTER", Comparison::NotEqual, "V")];
        let mut conditions = Conditions::new(&asked);
        assert!(!conditions.agree(|_| None));
        let said = conditions.nothing_left().to_string();
        assert_eq!(
            said,
            "no frames: none of 1 agrees with --where 'FILTER!=V': none has FILTER"
        );
    }

    #[test]
    fn the_condition_that_leaves_nothing_is_named() {
        let asked = [
            condition("A", Comparison::Equal, "1"),
            condition("B", Comparison::Greater, "5"),
        ];
        let mut conditions = Conditions::new(&asked);
        assert!(!conditions.agree(|key| (key == "A").then_some(Value::Integer(1))));
        assert!(!conditions.agree(|key| (key == "B").then_some(Value::Integer(1))));
        assert_eq!(
            conditions.nothing_left().to_string(),
            "no frames: none of 2 agrees with --where 'B>5'"
        );
        assert!(!conditions.agree(|key| (key == "B").then_some(Value::Integer(9))));
        assert!(
            conditions
                .nothing_left()
                .to_string()
                .ends_with("with all of --where 'A=1', --where 'B>5'")
        );
        assert!(conditions.agree(|key| Some(Value::Integer(if key == "A" { 1 } else { 6 }))));
    }
}
