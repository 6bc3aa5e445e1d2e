//! The names in a format string: `{a}`, `{a:?}`, `{x:>width$.digits$}`.

/// The names that a format string refers to, each once, in the order of their first use.
pub(super) fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            rest = after;
            continue;
        }
        let Some(close) = rest.find('}') else { break };
        let (argument, spec) = rest[..close]
            .split_once(':')
            .unwrap_or((&rest[..close], ""));
        let counts = spec
            .match_indices('$')
            .map(|(end, _)| ident_before(&spec[..end]));
        for name in std::iter::once(argument.trim()).chain(counts) {
            if is_ident(name) && names.iter().all(|known| known != name) {
                names.push(name.to_owned());
            }
        }
        rest = &rest[close + 1..];
    }
    names
}

/// The identifier at the end of `spec`; digits before it are the flag `0`.
fn ident_before(spec: &str) -> &str {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let head = spec.trim_end_matches(is_part);
    spec[head.len()..].trim_start_matches(|letter: char| letter.is_ascii_digit())
}

fn is_ident(name: &str) -> bool {
    // `self` cannot be given as an explicit argument; a raw identifier cannot be named at all.
    // syn accepts an identifier with comments around it, so all characters are checked first.
    let is_word = name
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_');
    is_word && name != "self" && syn::parse_str::<syn::Ident>(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_of_arguments_widths_and_precisions_are_found() {
        assert_eq!(names("{a} {b:?} {}{0} {{c}}"), ["a", "b"]);
        assert_eq!(names("{a:>width$.digits$}"), ["a", "width", "digits"]);
        assert_eq!(names("{:*^w$} {:0n$} {:1$} {:.*}"), ["w", "n"]);
        assert_eq!(names("{a}{a} {r#b} {"), ["a"]);
        assert_eq!(names("{// c\na} {/* */a}"), [""; 0]);
    }
}
