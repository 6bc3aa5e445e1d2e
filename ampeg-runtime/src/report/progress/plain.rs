//! Progress as plain lines, for files and pipes.

use super::View;
use super::snapshot::Snapshot;
use super::text;
use std::io::Write;

/// The shortest time between two lines, in seconds.
const LEAST: f64 = 1.0;
/// The longest time between two lines, in seconds.
const MOST: f64 = 60.0;

/// Writes a line whenever another tenth of the run is done, and one at its end.
#[derive(Debug)]
pub(super) struct Lines<W> {
    to: W,
    /// The time of the last line.
    last: f64,
    /// The number of tenths in the last line.
    tenths: u64,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            last: 0.0,
            tenths: 0,
        }
    }

    fn write(&mut self, line: &str) {
        // An error of the stream does not end the run.
        let _ = self.to.write_all(format!("{line}\n").as_bytes());
    }
}

impl<W: Write> View for Lines<W> {
    fn show(&mut self, snapshot: &Snapshot) {
        let tenths = text::whole(snapshot.share * 10.0);
        let since = snapshot.elapsed - self.last;
        if tenths > self.tenths && since >= LEAST || since >= MOST {
            self.write(&text::line(snapshot));
            self.last = snapshot.elapsed;
            self.tenths = tenths;
        }
    }

    fn end(&mut self, line: &str) {
        self.write(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(elapsed: f64, n_done: usize) -> Snapshot {
        let done = f64::from(u32::try_from(n_done).unwrap());
        Snapshot {
            elapsed,
            n_done,
            n_ended: n_done,
            n_tasks: 40,
            share: done / 40.0,
            left: None,
            families: Vec::new(),
            workers: Vec::new(),
            n_retries: 1,
            n_failed: 0,
            n_deaths: 0,
        }
    }

    /// The lines of a run that is shown at these times, with so many tasks done.
    fn lines(looks: &[(f64, usize)]) -> String {
        let mut lines = Lines::new(Vec::new());
        for &(time, n_done) in looks {
            lines.show(&snapshot(time, n_done));
        }
        lines.end("the end");
        String::from_utf8(lines.to).unwrap()
    }

    const END: &str = "the end\n";

    #[test]
    fn each_tenth_has_a_line() {
        let looks = [
            (1.5, 3),
            (2.0, 4),
            (3.0, 5),
            (4.0, 11),
            (4.5, 13),
            (5.5, 13),
        ];
        let expected = "run: 10 %, 4/40 tasks, 1 retry\n\
            run: 27 %, 11/40 tasks, 1 retry\n\
            run: 32 %, 13/40 tasks, 1 retry\n";
        assert_eq!(lines(&looks), format!("{expected}{END}"));
    }

    #[test]
    fn there_is_a_line_each_minute_at_least() {
        let looks = [(59.0, 0), (60.0, 0), (61.0, 1), (119.0, 1), (121.0, 1)];
        let expected = "run: 0 %, 0/40 tasks, 1 retry\nrun: 2 %, 1/40 tasks, 1 retry\n";
        assert_eq!(lines(&looks), format!("{expected}{END}"));
    }
}
