//! What is drawn on terminals of several sizes.

use super::Told;
use crate::report::progress::View;
use crate::report::progress::bars::Bars;
use crate::report::progress::frame::{Screen, lines};
use ampeg_schedule::TaskGraph;
use indicatif::{InMemoryTerm, MultiProgress, ProgressDrawTarget};

/// Two families and two single tasks on four workers, after a retry, a failure and a death.
fn told() -> Told {
    let mut graph = TaskGraph::builder()
        .task("load", 10)
        .task("a_task_whose_name_is_long", 10);
    for (family, n) in [("part", 100), ("a_family_whose_name_is_long", 8)] {
        for index in 0..n {
            let name = format!("{family}[{index}]");
            graph = graph.task(name.clone(), 1).dependency("load", name, 0);
        }
    }
    let mut told = Told::new(graph.build().unwrap(), 4);
    told.ends("load", (0.0, 10.0));
    for index in 0..37 {
        told.ends(&format!("part[{index}]"), (10.0, 11.0));
    }
    told.fails("part[40]", false, (11.0, 12.0));
    told.fails("part[41]", true, (11.0, 12.0));
    told.fails("a_family_whose_name_is_long[0]", true, (11.0, 12.0));
    told.worker_of_dies("part[40]", 12.0);
    told.begins("a_task_whose_name_is_long", 1, 0.0);
    told
}

fn screen(rows: usize, columns: usize) -> Screen {
    Screen {
        rows,
        columns,
        has_colors: false,
    }
}

/// What is on a terminal after the run has been shown there.
fn drawn(rows: u16, columns: u16, screen: fn() -> Screen) -> String {
    let term = InMemoryTerm::new(rows, columns);
    let all =
        MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(term.clone())));
    let mut bars = Bars::new(&all, screen);
    let told = told();
    bars.show(&told.model.snapshot(14.0));
    bars.show(&told.model.snapshot(14.5));
    term.contents()
}

#[test]
fn run_is_drawn_on_80_columns() {
    assert_eq!(
        drawn(24, 80, || screen(24, 80)),
        concat!(
            " 37 % ███████████░░░░░░░░░░░░░░░░░░░ 39/110 tasks, 22 s left\n",
            "2 retries, 1 task failed, 1 worker died\n",
            "part                         38/100  ███████████░░░░░░░░░░░░░░░░░░░\n",
            "a_family_whose_name_is_long     0/8  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░\n",
            "worker 0  starting\n",
            "worker 1  a_task_whose_name_is_long, 14 s\n",
            "worker 2  idle\n",
            "worker 3  idle",
        )
    );
}

#[test]
fn run_is_drawn_on_40_columns() {
    assert_eq!(
        drawn(24, 40, || screen(24, 40)),
        concat!(
            " 37 % ██████░░░░░░░░░░ 39/110, 22 s left\n",
            "2 retries, 1 task failed, 1 worker died\n",
            "part                  38/100  ███░░░░░░\n",
            "a_family_whose_name…     0/8  ░░░░░░░░░\n",
            "worker 0  starting\n",
            "worker 1  a_task_whose_name_is_lo…, 14 s\n",
            "worker 2  idle\n",
            "worker 3  idle",
        )
    );
}

#[test]
fn busiest_are_shown_where_there_are_more_than_rows() {
    assert_eq!(
        drawn(10, 80, || screen(10, 80)),
        concat!(
            " 37 % ███████████░░░░░░░░░░░░░░░░░░░ 39/110 tasks, 22 s left\n",
            "2 retries, 1 task failed, 1 worker died\n",
            "part  38/100  ███████████░░░░░░░░░░░░░░░░░░░\n",
            "worker 1  a_task_whose_name_is_long, 14 s\n",
            "… and 3 more workers",
        )
    );
}

#[test]
fn lines_fit_on_every_terminal() {
    let snapshot = told().model.snapshot(14.0);
    for has_colors in [false, true] {
        for columns in 1..100 {
            for rows in 1..30 {
                let screen = Screen {
                    rows,
                    columns,
                    has_colors,
                };
                let lines = lines(&snapshot, screen);
                assert!(lines.len() <= (rows / 2).max(4), "{lines:#?}");
                for line in lines {
                    assert!(console::measure_text_width(&line) <= columns, "{line:?}");
                    assert!(has_colors || !line.contains('\x1b'));
                }
            }
        }
    }
}

#[test]
fn output_is_above_the_bars_and_one_line_stays() {
    let term = InMemoryTerm::new(24, 80);
    let all =
        MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(term.clone())));
    let mut bars = Bars::new(&all, || screen(24, 80));
    let told = told();
    let snapshot = told.model.snapshot(14.0);
    bars.show(&snapshot);
    for text in ["one", "two"] {
        all.suspend(|| indicatif::TermLike::write_line(&term, text).unwrap());
    }
    let contents = term.contents();
    assert!(contents.starts_with("one\ntwo\n"), "{contents}");
    assert_eq!(
        contents.lines().count(),
        2 + lines(&snapshot, screen(24, 80)).len()
    );
    bars.end("the end");
    assert_eq!(term.contents(), "one\ntwo\nthe end");
}

#[test]
fn runs_of_several_pools_are_drawn_one_below_the_other() {
    let term = InMemoryTerm::new(40, 80);
    let all =
        MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(term.clone())));
    let [mut one, mut other] = [(); 2].map(|()| Bars::new(&all, || screen(40, 80)));
    let snapshot = told().model.snapshot(14.0);
    let n_lines = lines(&snapshot, screen(40, 80)).len();
    one.show(&snapshot);
    other.show(&snapshot);
    assert_eq!(term.contents().lines().count(), 2 * n_lines);
    one.end("the end");
    assert_eq!(term.contents().lines().count(), 1 + n_lines);
    other.end("the end");
    assert_eq!(term.contents().lines().count(), 2);
}
