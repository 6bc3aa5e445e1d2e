//! A schedule as a Gantt chart of text.

use super::gantt::short;
use super::{Schedule, Slot};
use crate::task_graph::TaskGraph;
use crate::task_graph::cost::count;

/// The width of a line.
const WIDTH: usize = 80;

impl Schedule {
    /// A Gantt chart of 80 columns: a line per processor, and a box per task with as much of its name as fits.
    ///
    /// A task that is shorter than three columns is drawn as `#`.
    ///
    /// # Panics
    ///
    /// If `graph` has fewer tasks than this schedule.
    ///
    /// ```
    /// let graph = ampeg::graph! { a = 1 @ 3; b = 2 @ 4; c = a + b @ 1 via 1; };
    /// let chart = graph.schedule(2)?.to_text(graph.task_graph()?);
    /// assert_eq!(
    ///     chart,
    ///     "\
    /// 0 [b===========================================================][c=============]
    /// 1 [a============================================]
    ///   0                                                                         5.00
    /// "
    /// );
    /// # Ok::<(), ampeg::Error>(())
    /// ```
    pub fn to_text(&self, graph: &TaskGraph) -> String {
        let label = self.n_processors().saturating_sub(1).to_string().len();
        let width = WIDTH - label - 1;
        let mut chart = String::new();
        for processor in self.processors.ids() {
            let mut cells = vec![' '; width];
            for slot in self.slots(processor) {
                self.draw(&mut cells, slot, graph.name(slot.task));
            }
            let line: String = cells.into_iter().collect();
            let line = format!("{processor:>label$} {line}");
            chart.push_str(line.trim_end());
            chart.push('\n');
        }
        let end = short(self.makespan().value());
        let axis = width.saturating_sub(1);
        chart + &format!("{:label$} 0{end:>axis$}\n", "")
    }

    fn draw(&self, cells: &mut [char], slot: &Slot, name: &str) {
        let makespan = self.makespan().value();
        if makespan <= 0.0 {
            return;
        }
        let column = |time: f64| (time / makespan * count(cells.len())).round();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "columns are from 0 to 80"
        )]
        let [start, finish] = [slot.start, slot.finish].map(|it| column(it.value()) as usize);
        let start = start.min(cells.len() - 1);
        match &mut cells[start..finish.max(start + 1)] {
            [first, inside @ .., last] if !inside.is_empty() => {
                (*first, *last) = ('[', ']');
                let name = name.chars().map(|c| if c.is_control() { '?' } else { c });
                let bar = name.chain(std::iter::repeat('='));
                inside.iter_mut().zip(bar).for_each(|(cell, c)| *cell = c);
            }
            short => short.fill('#'),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::schedule::{Policy, Processors, Scheduler};
    use crate::task_graph::TaskGraph;

    #[test]
    fn lines_have_eighty_columns_whatever_the_tasks() {
        let mut builder = TaskGraph::builder();
        for index in 0..300_u32 {
            let long = "ü\n".repeat(index as usize);
            builder = builder.task(format!("{index}{long}"), f64::from(index % 7) * 1e9);
        }
        let graph = builder.build().unwrap();
        let processors = Processors::new(12).unwrap();
        let schedule = Policy::Heft.schedule(&graph, &processors).unwrap();
        let chart = schedule.to_text(&graph);
        assert_eq!(chart.lines().count(), 13);
        assert!(
            chart.lines().all(|line| line.chars().count() <= 80),
            "{chart}"
        );
        let axis = chart.lines().last().unwrap();
        assert_eq!(axis.len(), 80);
    }

    #[test]
    fn empty_schedule_is_drawn_too() {
        let graph = TaskGraph::builder().task("nothing", 0.0).build().unwrap();
        let one = Processors::new(1).unwrap();
        let schedule = Policy::Heft.schedule(&graph, &one).unwrap();
        assert_eq!(schedule.to_text(&graph).lines().next(), Some("0"));
    }
}
