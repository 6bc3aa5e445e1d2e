//! Records the panics of a worker in shared memory, which outlives the process.

use crate::base::bounded;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words to which any thread of a worker adds texts, and which the coordinator reads; zeros at first.
///
/// The first word is the number of used words among the others. Each text is a word with its length in bytes, which
/// is written last, and then the bytes. A text that does not fit is dropped, since the first panic is the cause of
/// the others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    used: &'a AtomicU64,
    words: &'a [AtomicU64],
}

/// The number of words in a record.
const WORDS: usize = 505;
/// The bytes of a word.
const WORD: usize = size_of::<u64>();

impl<'a> Record<'a> {
    pub(crate) fn new([used, words @ ..]: &'a [AtomicU64; WORDS]) -> Self {
        Self { used, words }
    }

    /// Adds a text, cut to three quarters of the record, so that a second text may fit.
    pub(crate) fn push(self, text: &str) {
        let bytes = bounded::beginning(text, self.words.len() * WORD * 3 / 4).as_bytes();
        let length = 1 + bytes.len().div_ceil(WORD);
        let reserve = |used: u64| {
            let end = usize::try_from(used).ok()?.checked_add(length)?;
            (end <= self.words.len()).then_some(end as u64)
        };
        let reserved = self
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, reserve);
        let Ok(start) = reserved else { return };
        let Some((head, rest)) = usize::try_from(start)
            .ok()
            .and_then(|start| self.words.get(start..)?.split_first())
        else {
            return;
        };
        for (word, bytes) in rest.iter().zip(bytes.chunks(WORD)) {
            let mut filled = [0; WORD];
            filled[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(filled), Ordering::Relaxed);
        }
        head.store(bytes.len() as u64, Ordering::Release);
    }

    /// Removes all texts. If there are none, this costs one load.
    pub(crate) fn clear(self) {
        if self.used.load(Ordering::Relaxed) == 0 {
            return;
        }
        for word in self.words {
            word.store(0, Ordering::Relaxed);
        }
        self.used.store(0, Ordering::Release);
    }

    /// The texts, up to the first that is not completely written.
    pub(crate) fn texts(self) -> Vec<String> {
        let mut texts = Vec::new();
        let mut words = self.words;
        while let Some((head, rest)) = words.split_first() {
            let length = usize::try_from(head.load(Ordering::Acquire)).unwrap_or(usize::MAX);
            let n_words = length.div_ceil(WORD);
            if length == 0 || n_words > rest.len() {
                break;
            }
            let bytes = rest[..n_words]
                .iter()
                .flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes());
            let bytes: Vec<u8> = bytes.take(length).collect();
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
            words = &rest[n_words..];
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::array::from_fn;

    #[test]
    fn texts_are_read_as_they_were_written() {
        let words = from_fn(|_| AtomicU64::new(0));
        let record = Record::new(&words);
        assert!(record.texts().is_empty());
        let texts = ["a", "12345678", "a longer one, with ñ"];
        for text in texts {
            record.push(text);
        }
        assert_eq!(record.texts(), texts);
        record.clear();
        assert!(record.texts().is_empty());
        record.push(texts[2]);
        assert_eq!(record.texts(), [texts[2]]);
    }

    #[test]
    fn text_that_does_not_fit_is_dropped() {
        let words = from_fn(|_| AtomicU64::new(0));
        let record = Record::new(&words);
        let long = "x".repeat(10_000);
        for text in [&long, "y", &long, "z"] {
            record.push(text);
        }
        let kept = record.texts();
        assert!(kept[0].len() < 4000 && long.starts_with(&kept[0]));
        assert_eq!(kept[1..], ["y", "z"]);
    }

    #[test]
    fn threads_do_not_mix_their_texts() {
        let words = from_fn(|_| AtomicU64::new(0));
        let record = Record::new(&words);
        std::thread::scope(|scope| {
            for text in ["a", "b", "c", "d"] {
                scope.spawn(move || (0..10).for_each(|_| record.push(&text.repeat(20))));
            }
        });
        let texts = record.texts();
        assert_eq!(texts.len(), 40);
        assert!(texts.iter().all(|text| *text == text[..1].repeat(20)));
    }

    #[test]
    fn any_words_are_read_without_a_panic() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..2_000 {
            let words = from_fn(|_| AtomicU64::new(random.u64(..) >> random.u32(0..64)));
            let record = Record::new(&words);
            record.texts();
            record.push("text");
            record.clear();
            assert!(record.texts().is_empty());
        }
    }
}
