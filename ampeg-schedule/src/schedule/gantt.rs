//! A schedule as a Gantt chart.

use super::{Schedule, Slot};
use crate::base::id::TaskId;
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::count;
use std::collections::HashSet;
use svg::Document;
use svg::node::element::{Group, Line, Rectangle, Text, Title};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 48.0;
const ROW: f64 = 28.0;
const GAP: f64 = 6.0;
/// The approximate width of a character.
const LETTER: f64 = 6.6;
const N_TICKS: usize = 8;

const TASK: &str = "#8fb4d9";
const CRITICAL: &str = "#e0905a";
const INK: &str = "#222222";
const GRID: &str = "#cccccc";

impl Schedule {
    /// A Gantt chart as SVG: a row per processor, a box per task, and the critical path in another color.
    ///
    /// A box shows the name of its task if the name fits. Its tooltip shows name, start and finish.
    ///
    /// # Panics
    ///
    /// If `graph` has fewer tasks than this schedule.
    pub fn to_svg(&self, graph: &TaskGraph) -> String {
        let height = count(self.n_processors()) * (ROW + GAP) + MARGIN;
        let mut chart = Document::new()
            .set("viewBox", (0.0, 0.0, WIDTH + 2.0 * MARGIN, height + GAP))
            .set("font-family", "sans-serif")
            .set("font-size", 12);
        for tick in 0..=N_TICKS {
            chart = chart.add(self.tick(tick, height));
        }
        let critical = self.critical_path(graph).unwrap_or_default();
        let critical: HashSet<TaskId> = critical.into_iter().collect();
        for processor in self.processors.ids() {
            let y = row(processor.index()) + ROW * 0.65;
            chart = chart.add(label(format!("{processor}"), MARGIN * 0.5, y));
            for slot in self.slots(processor) {
                let colour = if critical.contains(&slot.task) {
                    CRITICAL
                } else {
                    TASK
                };
                chart = chart.add(self.bar(slot, graph.name(slot.task), colour));
            }
        }
        chart.to_string()
    }

    /// The horizontal position of a time.
    fn x(&self, time: f64) -> f64 {
        match self.makespan().value() {
            0.0 => MARGIN,
            makespan => MARGIN + WIDTH * (time / makespan),
        }
    }

    fn tick(&self, tick: usize, height: f64) -> Group {
        let time = self.makespan().value() * count(tick) / count(N_TICKS);
        let x = self.x(time);
        let line = Line::new()
            .set("x1", x)
            .set("x2", x)
            .set("y1", 0)
            .set("y2", height - MARGIN * 0.6)
            .set("stroke", GRID);
        let text = label(short(time), x, height - MARGIN * 0.2);
        Group::new().add(line).add(text)
    }

    fn bar(&self, slot: &Slot, name: &str, colour: &str) -> Group {
        let (start, finish) = (slot.start.value(), slot.finish.value());
        let (x, y) = (self.x(start), row(slot.processor.index()));
        let width = self.x(finish) - x;
        let text = format!("{name}: {} to {}", short(start), short(finish));
        let bar = Rectangle::new()
            .set("x", x)
            .set("y", y)
            .set("width", width)
            .set("height", ROW)
            .set("fill", colour)
            .set("stroke", "white")
            .set("stroke-width", 0.5);
        let group = Group::new().add(Title::new(text)).add(bar);
        if count(name.chars().count()) * LETTER > width {
            return group;
        }
        group.add(label(name.to_owned(), x + width / 2.0, y + ROW * 0.65))
    }
}

/// The upper edge of a processor's row.
fn row(processor: usize) -> f64 {
    count(processor) * (ROW + GAP) + GAP
}

fn label(text: String, x: f64, y: f64) -> Text {
    Text::new(text)
        .set("x", x)
        .set("y", y)
        .set("text-anchor", "middle")
        .set("fill", INK)
}

/// About four significant digits.
pub(super) fn short(time: f64) -> String {
    let digits = match time {
        0.0 => 0,
        time if time < 0.1 => return format!("{time:.2e}"),
        time if time < 10.0 => 2,
        time if time < 1000.0 => 1,
        _ => 0,
    };
    format!("{time:.digits$}")
}

#[cfg(test)]
mod tests {
    use crate::schedule::{Policy, Processors, Scheduler};
    use crate::task_graph::TaskGraph;

    #[test]
    fn every_task_has_a_box_and_names_are_escaped() {
        let graph = TaskGraph::builder()
            .task("a < b", 2)
            .task("tail", 3)
            .dependency("a < b", "tail", 1)
            .build()
            .unwrap();
        let two = Processors::new(2).unwrap();
        let svg = Policy::Fast.schedule(&graph, &two).unwrap().to_svg(&graph);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("a &lt; b: 0 to 2.00"), "{svg}");
        assert!(!svg.contains("a < b"));
    }

    #[test]
    fn empty_schedule_is_drawn_too() {
        let graph = TaskGraph::builder().build().unwrap();
        let one = Processors::new(1).unwrap();
        let svg = Policy::Heft.schedule(&graph, &one).unwrap().to_svg(&graph);
        assert!(svg.starts_with("<svg") && !svg.contains("NaN"));
    }
}
