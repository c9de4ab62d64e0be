//! The nearest of a list of known names, for "did you mean".

/// The name in `known` that a mistyped `name` most likely stands for.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.len() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of letters to insert, remove, replace or swap with a neighbour.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognized() {
        let known = ["boxed", "strict", "allow", "deny", "crate"];
        assert_eq!(nearest("boxd", known), Some("boxed"));
        assert_eq!(nearest("stirct", known), Some("strict"));
        assert_eq!(nearest("alow", known), Some("allow"));
    }

    #[test]
    fn a_different_word_is_not() {
        assert_eq!(nearest("flavor", ["boxed", "clock"]), None);
        assert_eq!(nearest("x", ["boxed"]), None);
    }

    #[test]
    fn two_swapped_letters_are_one_mistake() {
        assert_eq!(distance("clcok", "clock"), 1);
    }
}
