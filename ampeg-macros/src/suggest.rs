//! "Did you mean …": the known word that is nearest to a misspelt one.

/// The candidate nearest to `word`, if one is near enough to have been meant.
///
/// Near is at most one edit for three letters of the word (two letters: one edit).
/// Equal distances go to the candidate that comes first.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour to turn `left` into `right`.
///
/// The optimal string alignment distance; O(n·m) time.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swapped_neighbours_are_one_edit() {
        assert_eq!(distance("vai", "via"), 1);
        assert_eq!(distance("wihtin", "within"), 1);
    }

    #[test]
    fn far_words_are_not_suggested() {
        assert_eq!(nearest("cost", ["via", "within", "retry"]), None);
        assert_eq!(nearest("x", ["yy"]), None);
    }

    #[test]
    fn nearest_wins() {
        assert_eq!(nearest("retyr", ["via", "retry", "entry"]), Some("retry"));
    }
}
