//! The terminal on which progress is drawn. [`above`] prints other output of this program above the progress.
//!
//! Drawing does not take the lock of stderr, because the program may hold the lock while it waits for a run.

#[cfg(any(test, feature = "progress"))]
pub(crate) use bars::{Shown, Stderr};
use std::io::IsTerminal;

/// Whether bars are shown on the terminal of this stream. Then only whole lines may be written to it.
pub(crate) fn is_shown_on(stream: &impl IsTerminal) -> bool {
    #[cfg(any(test, feature = "progress"))]
    if bars::is_shown() {
        return stream.is_terminal();
    }
    let _ = stream;
    false
}

/// Calls a function that writes to a terminal; its output appears above all bars. The function must not panic.
pub(crate) fn above(write: impl FnOnce()) {
    #[cfg(any(test, feature = "progress"))]
    if let Some(bars) = bars::all() {
        return bars.suspend(write);
    }
    write();
}

#[cfg(any(test, feature = "progress"))]
mod bars {
    use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};
    use std::io::{self, Write};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

    static ALL: OnceLock<MultiProgress> = OnceLock::new();
    /// The number of runs that show bars.
    static SHOWN: AtomicUsize = AtomicUsize::new(0);

    pub(super) fn all() -> Option<&'static MultiProgress> {
        ALL.get()
    }

    pub(super) fn is_shown() -> bool {
        SHOWN.load(Ordering::Acquire) > 0
    }

    /// Shows the bars of one run until it is dropped.
    #[derive(Debug)]
    pub(crate) struct Shown(&'static MultiProgress);

    impl Shown {
        /// Makes room for bars, if stderr is a terminal that can move its cursor.
        pub(crate) fn begin() -> Option<Self> {
            let is_possible = console::Term::stderr().is_term() && !console::is_dumb();
            is_possible.then(|| {
                let target = || ProgressDrawTarget::term_like(Box::new(Terminal::default()));
                let all = ALL.get_or_init(|| MultiProgress::with_draw_target(target()));
                SHOWN.fetch_add(1, Ordering::AcqRel);
                Self(all)
            })
        }

        pub(crate) fn bars(&self) -> &MultiProgress {
            self.0
        }
    }

    impl Drop for Shown {
        fn drop(&mut self) {
            SHOWN.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// The stderr of this process, without its lock.
    #[derive(Debug, Default)]
    pub(crate) struct Stderr;

    impl Write for Stderr {
        #[cfg(unix)]
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(rustix::io::write(io::stderr(), bytes)?)
        }

        #[cfg(not(unix))]
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            io::stderr().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Collects what is drawn until it is flushed.
    #[derive(Debug, Default)]
    struct Terminal(Mutex<String>);

    impl Terminal {
        fn buffer(&self) -> MutexGuard<'_, String> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
            match n {
                0 => Ok(()),
                _ => self.write_str(&format!("\x1b[{n}{direction}")),
            }
        }
    }

    impl TermLike for Terminal {
        fn width(&self) -> u16 {
            console::Term::stderr().size().1
        }

        fn height(&self) -> u16 {
            console::Term::stderr().size().0
        }

        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.move_cursor(n, 'A')
        }

        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.move_cursor(n, 'B')
        }

        fn move_cursor_right(&self, n: usize) -> io::Result<()> {
            self.move_cursor(n, 'C')
        }

        fn move_cursor_left(&self, n: usize) -> io::Result<()> {
            self.move_cursor(n, 'D')
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)?;
            self.write_str("\n")
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.buffer().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.write_str("\r\x1b[2K")
        }

        fn flush(&self) -> io::Result<()> {
            let text = std::mem::take(&mut *self.buffer());
            Stderr.write_all(text.as_bytes())
        }
    }
}
