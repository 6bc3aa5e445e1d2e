//! Progress on a terminal.

use super::View;
use super::frame::{Screen, lines};
use super::snapshot::Snapshot;
use crate::base::screen::Shown;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The lines of one run, below the lines of other runs of this program.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    /// A progress bar whose message has all lines of the run.
    bar: ProgressBar,
    screen: fn() -> Screen,
    /// While this exists, other output of this program is printed above the bars.
    shown: Option<Shown>,
}

impl Bars {
    pub(super) fn new(all: &MultiProgress, screen: fn() -> Screen) -> Self {
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self {
            all: all.clone(),
            bar: all.add(bar),
            screen,
            shown: None,
        }
    }

    /// Draws on stderr; `None` if stderr is not a terminal that can move its cursor.
    pub(super) fn on_stderr() -> Option<Self> {
        let shown = Shown::begin()?;
        let mut bars = Self::new(shown.bars(), Screen::here);
        bars.shown = Some(shown);
        Some(bars)
    }
}

impl View for Bars {
    fn show(&mut self, snapshot: &Snapshot) {
        let lines = lines(snapshot, (self.screen)());
        self.bar.set_message(lines.join("\n"));
    }

    fn end(&mut self, line: &str) {
        self.bar.finish_and_clear();
        self.all.remove(&self.bar);
        let _ = self.all.println(line);
    }
}
