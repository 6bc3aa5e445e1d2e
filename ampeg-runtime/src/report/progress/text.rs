//! Progress in words.

use super::estimate::Left;
use super::snapshot::Snapshot;

/// A measured duration: `1.2 s`, `45 s`, `3 min 20 s`, `2 h 05 min`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = whole(seconds);
    let (minutes, hours) = (whole / 60, whole / 3600);
    match whole {
        0..10 => format!("{:.1} s", (seconds * 10.0).floor() / 10.0),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{minutes} min {:02} s", whole % 60),
        _ => format!("{hours} h {:02} min", minutes % 60),
    }
}

/// An estimated duration, in one unit: `12 s`, `5 min`, `3 h`.
fn about(seconds: f64) -> String {
    let whole = whole(seconds.ceil()).max(1);
    match whole {
        0..120 => format!("{whole} s"),
        120..7200 => format!("{} min", whole.div_ceil(60)),
        _ => format!("{} h", whole.div_ceil(3600)),
    }
}

/// The time left; a range, if it is not certain.
pub(super) fn left(left: &Left) -> String {
    let (low, middle, high) = (about(left.low), about(left.middle), about(left.high));
    if left.is_certain() || low == high {
        return format!("{middle} left");
    }
    let unit = |text: &str| text.split_once(' ').map(|(_, unit)| unit.to_owned());
    match low.split_once(' ') {
        Some((number, _)) if unit(&low) == unit(&high) => format!("{number} to {high} left"),
        _ => format!("{low} to {high} left"),
    }
}

/// `37 %`; 100 only at the end.
pub(super) fn percent(share: f64) -> String {
    format!("{:>3} %", whole(share * 100.0))
}

/// The problems, if there are any: `2 retries, 1 task failed, 1 worker died`.
pub(super) fn problems(snapshot: &Snapshot) -> Option<String> {
    let count = |n: usize, one: &str, several: &str| {
        (n > 0).then(|| format!("{n} {}", if n == 1 { one } else { several }))
    };
    let problems = [
        count(snapshot.n_retries, "retry", "retries"),
        count(snapshot.n_failed, "task failed", "tasks failed"),
        count(snapshot.n_deaths, "worker died", "workers died"),
    ];
    let problems: Vec<_> = problems.into_iter().flatten().collect();
    (!problems.is_empty()).then(|| problems.join(", "))
}

/// One line about a running run.
pub(super) fn line(snapshot: &Snapshot) -> String {
    let Snapshot {
        n_done, n_tasks, ..
    } = snapshot;
    let percent = percent(snapshot.share);
    let mut parts = vec![format!("{}, {n_done}/{n_tasks} tasks", percent.trim())];
    parts.extend(snapshot.left.as_ref().map(left));
    parts.extend(problems(snapshot));
    format!("run: {}", parts.join(", "))
}

/// One line about a run that is over. Tasks and workers that a cancel has ended are not counted as problems.
pub(super) fn last_line(snapshot: &Snapshot, is_cancelled: bool) -> String {
    let Snapshot {
        n_done,
        n_ended,
        n_tasks,
        ..
    } = snapshot;
    let time = duration(snapshot.elapsed);
    if is_cancelled {
        return format!("run: ended early, {n_ended}/{n_tasks} tasks in {time}");
    }
    let problems = problems(snapshot).map(|problems| format!(", {problems}"));
    let problems = problems.unwrap_or_default();
    format!("run: {n_done}/{n_tasks} tasks in {time}{problems}")
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast ends at the bounds of the type"
)]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_or_two_units() {
        let cases = [
            (0.0, "0.0 s"),
            (1.29, "1.2 s"),
            (9.99, "9.9 s"),
            (59.9, "59 s"),
            (200.0, "3 min 20 s"),
            (7500.0, "2 h 05 min"),
            (360_000.0, "100 h 00 min"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn time_left_is_a_range_if_it_is_not_sure() {
        let cases = [
            ((11.0, 12.0, 13.0), "12 s left"),
            ((0.0, 0.0, 0.0), "1 s left"),
            ((8.0, 12.0, 15.0), "8 to 15 s left"),
            ((100.0, 150.0, 200.0), "100 s to 4 min left"),
            ((240.0, 400.0, 600.0), "4 to 10 min left"),
            ((9000.0, 10_000.0, 11_000.0), "3 h left"),
            ((0.1, 0.5, 0.9), "1 s left"),
        ];
        for ((low, middle, high), text) in cases {
            assert_eq!(left(&Left { low, middle, high }), text);
        }
    }

    #[test]
    fn hundred_percent_is_the_end() {
        assert_eq!(percent(0.0), "  0 %");
        assert_eq!(percent(0.999), " 99 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
