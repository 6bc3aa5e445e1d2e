//! "Did you mean …": the known word that is nearest to a misspelt one.

/// The candidate nearest to `word`, if one is near enough.
///
/// At most one edit for three letters of the word is near (for two letters: one edit).
/// Of equally near candidates, the first is taken.
///
/// A graph compares each captured name with all of its tasks, so a distant candidate must cost little: the comparison ends
/// after a few letters.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word: Vec<char> = word.chars().collect();
    let mut limit = word.len().div_ceil(3).max(1);
    let mut rows = Rows::default();
    let mut nearest = None;
    for candidate in candidates {
        if let Some(distance) = rows.distance(&word, candidate, limit) {
            nearest = Some(candidate);
            if distance == 0 {
                break;
            }
            // A later candidate must be nearer.
            limit = distance - 1;
        }
    }
    nearest
}

/// The last three rows of the table of distances between prefixes; the next candidate reuses the memory.
#[derive(Default)]
struct Rows {
    before: Vec<usize>,
    above: Vec<usize>,
    row: Vec<usize>,
    candidate: Vec<char>,
}

impl Rows {
    /// The number of letters to insert, remove, replace or swap with a neighbour to turn `word` into `candidate`, if it is
    /// at most `limit`.
    ///
    /// The optimal string alignment distance, in O(n·m) time. It ends after two rows above the limit, since no number
    /// in later rows is less than the least number in these two rows.
    fn distance(&mut self, word: &[char], candidate: &str, limit: usize) -> Option<usize> {
        self.candidate.clear();
        self.candidate.extend(candidate.chars());
        let candidate = &self.candidate;
        if word.len().abs_diff(candidate.len()) > limit {
            return None;
        }
        self.above.clear();
        self.above.extend(0..=candidate.len());
        self.before.clone_from(&self.above);
        let mut least_above = 0;
        for i in 1..=word.len() {
            self.row.clear();
            self.row.push(i);
            for j in 1..=candidate.len() {
                let replaced = self.above[j - 1] + usize::from(word[i - 1] != candidate[j - 1]);
                let mut best = replaced.min(self.above[j] + 1).min(self.row[j - 1] + 1);
                let swapped = i > 1
                    && j > 1
                    && word[i - 1] == candidate[j - 2]
                    && word[i - 2] == candidate[j - 1];
                if swapped {
                    best = best.min(self.before[j - 2] + 1);
                }
                self.row.push(best);
            }
            let least = self.row.iter().copied().min().unwrap_or(0);
            if least.min(least_above) > limit {
                return None;
            }
            least_above = least;
            std::mem::swap(&mut self.before, &mut self.above);
            std::mem::swap(&mut self.above, &mut self.row);
        }
        self.above
            .last()
            .copied()
            .filter(|&distance| distance <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(word: &str, candidate: &str) -> Option<usize> {
        let word: Vec<char> = word.chars().collect();
        Rows::default().distance(&word, candidate, 9)
    }

    #[test]
    fn swapped_neighbours_are_one_edit() {
        assert_eq!(distance("vai", "via"), Some(1));
        assert_eq!(distance("wihtin", "within"), Some(1));
    }

    #[test]
    fn limit_changes_no_distance_within_it() {
        let words = [
            "", "a", "ab", "ba", "abc", "acb", "bca", "cab", "abcd", "badc", "dcba",
        ];
        for (word, candidate) in words.iter().flat_map(|a| words.iter().map(move |b| (a, b))) {
            let letters: Vec<char> = word.chars().collect();
            let exact = distance(word, candidate).unwrap();
            assert_eq!(exact, distance(candidate, word).unwrap());
            for limit in 0..5 {
                let within = Rows::default().distance(&letters, candidate, limit);
                assert_eq!(
                    within,
                    Some(exact).filter(|&it| it <= limit),
                    "{word} {candidate}"
                );
            }
        }
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
