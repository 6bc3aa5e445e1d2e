//! Progress as lines of text for a terminal of some size.

use super::model::Activity;
use super::snapshot::{Family, Snapshot};
use super::text;
use console::{Style, Term, colors_enabled_stderr, measure_text_width, truncate_str};

/// The size and colours of a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) has_colors: bool,
}

impl Screen {
    /// The terminal of stderr. With `NO_COLOR` or `CLICOLOR=0`, it has no colours.
    pub(super) fn here() -> Self {
        let (rows, columns) = Term::stderr().size();
        Self {
            rows: rows.into(),
            columns: columns.into(),
            has_colors: colors_enabled_stderr(),
        }
    }
}

/// The largest width of a bar.
const WIDEST_BAR: usize = 30;
/// The smallest width of a bar; with less room, there is no bar.
const NARROWEST_BAR: usize = 5;
/// The number of seconds without a task after which a worker is shown as idle.
const SHORT: f64 = 0.5;

/// The lines: one for the run, one for its problems, then statements and workers.
///
/// They take at most half of the terminal, so that the output of tasks stays visible above them. If there are more
/// statements or workers, the busiest are shown.
pub(super) fn lines(snapshot: &Snapshot, screen: Screen) -> Vec<String> {
    let mut lines = vec![head(snapshot, screen)];
    lines.extend(text::problems(snapshot).map(|problems| {
        let problems = truncate_str(&problems, screen.columns, "…");
        style(screen).yellow().apply_to(problems).to_string()
    }));
    let rows = (screen.rows / 2).saturating_sub(lines.len()).max(2);
    let (n_families, n_workers) = (snapshot.families.len(), snapshot.workers.len());
    let for_families = n_families.min((rows / 2).max(rows.saturating_sub(n_workers)));
    lines.extend(families(&snapshot.families, for_families, screen));
    lines.extend(workers(snapshot, rows - for_families, screen));
    lines
}

fn style(screen: Screen) -> Style {
    Style::new().force_styling(screen.has_colors)
}

fn head(snapshot: &Snapshot, screen: Screen) -> String {
    let percent = text::percent(snapshot.share);
    let unit = if screen.columns < 60 { "" } else { " tasks" };
    let mut rest = format!("{}/{}{unit}", snapshot.n_done, snapshot.n_tasks);
    if let Some(left) = &snapshot.left {
        rest = format!("{rest}, {}", text::left(left));
    }
    let bar = bar(snapshot.share, percent.len() + rest.len() + 2, screen);
    cut(&format!("{percent} {bar}{rest}"), screen)
}

/// A bar and a space, if there is room for them beside so many columns.
fn bar(share: f64, taken: usize, screen: Screen) -> String {
    let width = screen.columns.saturating_sub(taken).min(WIDEST_BAR);
    if width < NARROWEST_BAR {
        return String::new();
    }
    let cells = u32::try_from(width).unwrap_or(0);
    let full = usize::try_from(text::whole(share * f64::from(cells))).unwrap_or(width);
    let full = full.min(width);
    let done = style(screen).cyan().apply_to("█".repeat(full));
    format!("{done}{} ", "░".repeat(width - full))
}

/// The text, cut to the width of the terminal.
fn cut(text: &str, screen: Screen) -> String {
    truncate_str(text, screen.columns, "…").into_owned()
}

/// The indices of the busiest items, in their own order, and the number of the others if it has a row.
fn busiest<K: Ord>(n: usize, rows: usize, idleness: impl Fn(usize) -> K) -> (Vec<usize>, usize) {
    let mut items: Vec<usize> = (0..n).collect();
    if n > rows {
        items.sort_by_key(|&item| idleness(item));
        items.truncate(rows.saturating_sub(1).max(1));
        items.sort_unstable();
    }
    let others = if rows > 1 { n - items.len() } else { 0 };
    (items, others)
}

fn families(families: &[Family], rows: usize, screen: Screen) -> Vec<String> {
    let idleness = |index: usize| {
        let family = &families[index];
        (family.n_running == 0, family.n_done == family.n_tasks)
    };
    let (shown, others) = busiest(families.len(), rows, idleness);
    let shown = shown.into_iter().map(|index| &families[index]);
    let counts = shown.map(|family| {
        let count = format!("{}/{}", family.n_done, family.n_tasks);
        (family, count)
    });
    let counts: Vec<_> = counts.collect();
    let widest = counts.iter().map(|(family, count)| {
        let name = measure_text_width(&family.name).min(screen.columns / 2);
        (name, count.len())
    });
    let (name_width, count_width) =
        widest.fold((0, 0), |most, it| (most.0.max(it.0), most.1.max(it.1)));
    let mut lines: Vec<_> = counts
        .iter()
        .map(|(family, count)| {
            let name = truncate_str(&family.name, name_width, "…");
            let name = console::pad_str(&name, name_width, console::Alignment::Left, None);
            let line = format!("{name}  {count:>count_width$}");
            let [n_done, n_tasks] = [family.n_done, family.n_tasks]
                .map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
            let bar = bar(n_done / n_tasks, measure_text_width(&line) + 3, screen);
            cut(format!("{line}  {bar}").trim_end(), screen)
        })
        .collect();
    if others > 0 {
        lines.push(cut(&format!("… and {others} more statements"), screen));
    }
    lines
}

fn workers(snapshot: &Snapshot, rows: usize, screen: Screen) -> Vec<String> {
    let workers = &snapshot.workers;
    // Tasks that have run longest come first.
    let idleness = |index: usize| match &workers[index] {
        Activity::Running { start, .. } => (0, text::whole(start * 1e9)),
        Activity::Starting => (1, 0),
        Activity::Idle { .. } => (2, 0),
    };
    let (shown, others) = busiest(workers.len(), rows, idleness);
    let width = shown.last().map_or(0, |last| last.to_string().len());
    let mut lines: Vec<_> = shown
        .into_iter()
        .map(|index| {
            let head = format!("worker {index:>width$}  ");
            let line = match &workers[index] {
                // A worker that runs many short tasks is mostly observed between two tasks.
                Activity::Idle { since } if snapshot.elapsed - since < SHORT => {
                    format!("{head}between two tasks")
                }
                Activity::Idle { .. } => format!("{head}idle"),
                Activity::Starting => format!("{head}starting"),
                Activity::Running {
                    name,
                    attempt,
                    start,
                    ..
                } => {
                    let again = match attempt {
                        1 => String::new(),
                        _ => format!(", attempt {attempt}"),
                    };
                    let time = text::duration((snapshot.elapsed - start).max(0.0));
                    let tail = format!("{again}, {time}");
                    let room = screen.columns.saturating_sub(head.len() + tail.len());
                    let name = truncate_str(name, room.max(1), "…");
                    format!("{head}{name}{tail}")
                }
            };
            cut(&line, screen)
        })
        .collect();
    if others > 0 {
        lines.push(cut(&format!("… and {others} more workers"), screen));
    }
    lines
}
