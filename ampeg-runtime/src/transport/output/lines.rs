//! Splits bytes into lines.

use std::mem::take;
use std::str::from_utf8;

/// The largest length of a line; a longer one is passed on in pieces.
const LONGEST: usize = 64 * 1024;

/// The received part of an incomplete line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
    /// Whether a part of this line has already been passed on.
    has_begun: bool,
}

impl Lines {
    /// Adds bytes; returns the lines that are now complete, or a piece of a very long line.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let end = bytes.iter().rposition(|&byte| byte == b'\n');
        let Some(end) = end else {
            self.rest.extend(bytes);
            if self.rest.len() <= LONGEST {
                return Vec::new();
            }
            self.has_begun = true;
            let end = whole_characters(&self.rest);
            let after = self.rest.split_off(end);
            return std::mem::replace(&mut self.rest, after);
        };
        let (complete, after) = bytes.split_at(end + 1);
        let mut lines = take(&mut self.rest);
        lines.extend(complete);
        self.rest.extend(after);
        self.has_begun = false;
        lines
    }

    /// Returns the incomplete line with a line break. Output that is not text gets no line break.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut rest = take(&mut self.rest);
        let is_open = take(&mut self.has_begun) || !rest.is_empty();
        if is_open && from_utf8(&rest).is_ok() {
            rest.push(b'\n');
        }
        rest
    }
}

/// The length of these bytes without an incomplete character at their end.
fn whole_characters(bytes: &[u8]) -> usize {
    match from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come() {
        let text = "one\ntwo\n\nñandú\nand the rest";
        let mut random = fastrand::Rng::with_seed(4);
        for _ in 0..1_000 {
            let mut lines = Lines::default();
            let mut all = Vec::new();
            let mut left = text.as_bytes();
            while !left.is_empty() {
                let (now, later) = left.split_at(random.usize(1..=left.len()));
                let complete = lines.push(now);
                assert!(complete.is_empty() || complete.ends_with(b"\n"));
                all.extend(complete);
                left = later;
            }
            all.extend(lines.finish());
            assert_eq!(all, format!("{text}\n").as_bytes());
            assert!(lines.finish().is_empty());
        }
    }

    #[test]
    fn line_of_any_length_takes_no_more_than_its_share() {
        let mut lines = Lines::default();
        let mut n_bytes = 0;
        for _ in 0..100_001 {
            let piece = lines.push("ñññ".as_bytes());
            assert!(from_utf8(&piece).is_ok());
            n_bytes += piece.len();
            assert!(lines.rest.len() <= LONGEST);
        }
        let rest = lines.finish();
        assert_eq!(n_bytes + rest.len(), 600_007);
        assert!(rest.ends_with(b"\n"));
    }

    #[test]
    fn nothing_is_added_to_what_is_no_text() {
        let mut lines = Lines::default();
        lines.push(&[0xff, 0xfe]);
        assert_eq!(lines.finish(), [0xff, 0xfe]);
    }
}
