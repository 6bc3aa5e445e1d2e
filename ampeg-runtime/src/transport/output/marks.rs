//! Marks in the streams of a worker: the output after a mark belongs to the task that it names.
//!
//! A worker writes a mark to both streams when an attempt begins, so marks are right even if the streams are read late.
//! A mark ends with a line break, so it is not split where lines are whole.

use ampeg_schedule::TaskId;

const START: &[u8] = b"\x1e\x1eampeg ";

/// The mark of a task.
pub(crate) fn mark(task: TaskId) -> Vec<u8> {
    let mut mark = START.to_vec();
    mark.extend(format!("{}\n", task.index()).into_bytes());
    mark
}

/// The place of the next mark.
fn find(bytes: &[u8]) -> Option<usize> {
    bytes.windows(START.len()).position(|it| it == START)
}

/// Follows the marks of one stream.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The task of the last mark.
    task: Option<TaskId>,
}

impl Marks {
    /// Removes the marks from whole lines; returns the output of each task, in order.
    pub(super) fn attribute(&mut self, lines: &[u8]) -> Vec<(Option<TaskId>, Vec<u8>)> {
        let mut split = Vec::new();
        let mut rest = lines;
        while let Some(place) = find(rest) {
            let (before, mark) = rest.split_at(place);
            if !before.is_empty() {
                let mut before = before.to_vec();
                if !before.ends_with(b"\n") {
                    before.push(b'\n');
                }
                split.push((self.task, before));
            }
            let end = mark.iter().position(|&byte| byte == b'\n');
            let (mark, after) = mark.split_at(end.map_or(mark.len(), |end| end + 1));
            self.task = task_of(&mark[START.len()..]);
            rest = after;
        }
        if !rest.is_empty() {
            split.push((self.task, rest.to_vec()));
        }
        split
    }
}

/// The task that a mark names. A task may write any bytes, so these may name none.
fn task_of(number: &[u8]) -> Option<TaskId> {
    let number: u32 = std::str::from_utf8(number).ok()?.trim_end().parse().ok()?;
    Some(TaskId::new(usize::try_from(number).ok()?))
}

/// The output after the last mark.
pub(super) fn since_last(bytes: &[u8]) -> &[u8] {
    let Some(last) = bytes.windows(START.len()).rposition(|it| it == START) else {
        return bytes;
    };
    let mark = &bytes[last..];
    let end = mark.iter().position(|&byte| byte == b'\n');
    &mark[end.map_or(mark.len(), |end| end + 1)..]
}

/// The lines, each after the name of its task.
pub(super) fn tagged(name: &str, lines: &[u8]) -> Vec<u8> {
    let tag = format!("[{name}] ").into_bytes();
    let lines = lines.split_inclusive(|&byte| byte == b'\n');
    lines.flat_map(|line| [&tag, line].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn lines_belong_to_the_task_that_began_last() {
        let (two, three) = (TaskId::new(2), TaskId::new(3));
        let mut marks = Marks::default();
        let lines = text(&[
            b"start\n",
            &mark(two),
            b"a\nincomplete",
            &mark(three),
            &mark(two),
        ]);
        let expected = [
            (None, b"start\n".to_vec()),
            (Some(two), b"a\nincomplete\n".to_vec()),
        ];
        assert_eq!(marks.attribute(&lines), expected);
        assert_eq!(marks.attribute(b"b\n"), [(Some(two), b"b\n".to_vec())]);
        assert_eq!(marks.attribute(&mark(three)), []);
        assert_eq!(marks.attribute(b"c"), [(Some(three), b"c".to_vec())]);
    }

    #[test]
    fn mark_that_a_task_has_forged_does_no_harm() {
        let mut marks = Marks::default();
        let lines = text(&[START, b"x\na\n", START, b"-1\n", START]);
        assert_eq!(marks.attribute(&lines), [(None, b"a\n".to_vec())]);
        let too_large = text(&[START, b"4294967296\nb\n"]);
        assert_eq!(marks.attribute(&too_large), [(None, b"b\n".to_vec())]);
    }

    #[test]
    fn last_mark_ends_what_was_before() {
        let bytes = text(&[b"a\n", &mark(TaskId::new(1)), b"b\nc"]);
        assert_eq!(since_last(&bytes), b"b\nc");
        assert_eq!(since_last(b"b\nc"), b"b\nc");
        assert_eq!(since_last(&mark(TaskId::new(1))), b"");
    }

    #[test]
    fn each_line_has_its_tag() {
        assert_eq!(
            tagged("a[1]", b"one\n\ntwo"),
            b"[a[1]] one\n[a[1]] \n[a[1]] two"
        );
    }
}
