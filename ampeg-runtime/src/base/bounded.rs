//! Limits the length of texts from user code: messages of errors and panics.

use std::fmt::{self, Display, Write};

/// The longest text of a message in bytes, without the note that it was cut.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The text that a value displays, cut after [`LONGEST`] bytes. A `Display` implementation that writes without end is
/// stopped there.
pub(crate) fn display(value: &dyn Display) -> String {
    display_within(LONGEST, value)
}

/// Like [`display`], with another limit.
pub(crate) fn display_within(longest: usize, value: &dyn Display) -> String {
    let mut bounded = Bounded {
        text: String::new(),
        longest,
        is_cut: false,
    };
    // An error that the user's `Display` implementation returns ends the text, too.
    let _ = write!(bounded, "{value}");
    if bounded.is_cut {
        let _ = write!(bounded.text, " … (cut here, after {longest} bytes)");
    }
    bounded.text
}

/// A text, cut to the length that a message may have.
pub(crate) fn cut(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    display(&text)
}

/// The longest prefix of a text with at most this many bytes.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Returns an error once the text is full, so that the writer stops.
struct Bounded {
    text: String,
    longest: usize,
    is_cut: bool,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut {
            return Err(fmt::Error);
        }
        let fits = beginning(text, self.longest - self.text.len());
        self.text.push_str(fits);
        self.is_cut = fits.len() < text.len();
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes until the formatter returns an error.
    struct Endless;

    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("and so on, ")?;
            }
        }
    }

    #[test]
    fn text_without_an_end_is_cut() {
        let text = display(&Endless);
        assert!(text.starts_with("and so on, and so on"));
        assert!(text.ends_with(" … (cut here, after 65536 bytes)"));
        assert!(text.len() < LONGEST + 100);
    }

    #[test]
    fn text_of_the_greatest_length_is_not_cut() {
        for length in [0, 1, LONGEST] {
            let text = "x".repeat(length);
            assert_eq!(display(&text), text);
            assert_eq!(cut(text.clone()), text);
        }
        assert!(cut("x".repeat(LONGEST + 1)).ends_with("bytes)"));
    }

    #[test]
    fn characters_are_not_cut() {
        assert_eq!(beginning("añb", 2), "a");
        assert_eq!(beginning("añb", 3), "añ");
        assert!(display(&"ñ".repeat(LONGEST)).contains("ñ …"));
    }
}
