//! Measures the time to compile a `graph!`, and its growth with the number of tasks.
//!
//! Makes crates with one graph of 10, 100, 300 and 1,000 tasks. Each task depends on up to three earlier tasks and
//! captures one variable. Measures `cargo check` and `cargo build` (debug, with linking) of these crates alone, since
//! their dependencies are built before. Either the last task is the only output, or all tasks are outputs.
//!
//! The times are processor times of cargo, rustc and the linker together, which other programs disturb less. Clock
//! times stand beside them. A task of a larger graph should cost no more than a task of a smaller one.
//!
//! Run with `cargo bench --bench compile_time`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io};

const SIZES: [usize; 4] = [10, 100, 300, 1_000];

/// The longest time that 1,000 tasks may take in debug mode.
const BAR: Duration = Duration::from_secs(5);

fn main() -> io::Result<()> {
    // `cargo test --benches` passes `--test`. Compiling crates is not a test.
    if env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let project = Project::create()?;
    project.time("check", 0, Outputs::All)?;
    project.time("build", 0, Outputs::All)?;
    let none = [
        project.time("check", 0, Outputs::All)?,
        project.time("build", 0, Outputs::All)?,
    ];
    for outputs in [Outputs::Last, Outputs::All] {
        println!("\n{outputs:?} is an output");
        println!(
            "{:>6} {:>8} {:>8} {:>9} {:>8} {:>8} {:>9}",
            "tasks", "check", "(clock)", "per task", "build", "(clock)", "per task"
        );
        for n_tasks in SIZES {
            print!("{n_tasks:>6}");
            for (command, none) in ["check", "build"].into_iter().zip(none) {
                let time = project.time(command, n_tasks, outputs)?;
                let tasks = u32::try_from(n_tasks).unwrap_or(u32::MAX);
                let per_task = time.processor.saturating_sub(none.processor) / tasks;
                let (processor, clock) = (time.processor.as_secs_f64(), time.clock.as_secs_f64());
                print!(
                    " {processor:>6.2} s {clock:>6.2} s {:>6.2} ms",
                    1e3 * per_task.as_secs_f64()
                );
                if command == "build" && time.processor > BAR {
                    print!(" above the bar of {BAR:?}");
                }
            }
            println!();
        }
    }
    fs::remove_dir_all(&project.root)
}

/// Which tasks are outputs.
#[derive(Debug, Clone, Copy)]
enum Outputs {
    All,
    Last,
}

/// The times of a command.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// The time of all processors in user mode.
    processor: Duration,
    clock: Duration,
}

/// The processor time of all programs that this program has started and that have ended.
fn processor_time() -> io::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name is in parentheses, and the fourteenth field comes after it. The unit is a hundredth of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let field = fields.split_whitespace().nth(13);
    let ticks: Option<u64> = field.and_then(|field| field.parse().ok());
    let ticks = ticks.ok_or_else(|| io::Error::other("/proc/self/stat has no cutime"))?;
    Ok(Duration::from_millis(10 * ticks))
}

/// A crate outside the workspace.
struct Project {
    root: PathBuf,
}

impl Project {
    fn create() -> io::Result<Self> {
        let ampeg = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = env::temp_dir().join(format!("ampeg-compile-time-{}", std::process::id()));
        fs::create_dir_all(root.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"compile-time\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [dependencies]\nampeg = {{ path = '{}' }}\n[workspace]\n",
            ampeg.display()
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        fs::copy(ampeg.join("Cargo.lock"), root.join("Cargo.lock"))?;
        Ok(Self { root })
    }

    /// Runs a cargo command on a graph of `n_tasks` tasks.
    fn time(&self, command: &str, n_tasks: usize, outputs: Outputs) -> io::Result<Times> {
        fs::write(self.root.join("src/main.rs"), program(n_tasks, outputs))?;
        let (processor, clock) = (processor_time()?, Instant::now());
        self.cargo(command)?;
        Ok(Times {
            processor: processor_time()?.saturating_sub(processor),
            clock: clock.elapsed(),
        })
    }

    fn cargo(&self, command: &str) -> io::Result<()> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([command, "--quiet", "--offline"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("cargo {command} failed")))
        }
    }
}

/// A program with one graph. Each task uses up to three earlier tasks, by value and by reference, and a capture.
fn program(n_tasks: usize, outputs: Outputs) -> String {
    let mut statements = String::new();
    for task in 0..n_tasks {
        let earlier = |steps: usize| task.checked_sub(steps);
        let arguments = match (earlier(1), earlier(7), earlier(50)) {
            (Some(a), Some(b), Some(c)) => format!("t{a}, &t{b}, t{c}.len()"),
            (Some(a), Some(b), None) => format!("t{a}, &t{b}, 1"),
            (Some(a), None, _) => format!("t{a}, &data, 2"),
            _ => "vec![1.0], &data, 3".to_owned(),
        };
        let cost = 1 + task % 7;
        let visibility = match outputs {
            Outputs::Last if task + 1 == n_tasks => "pub ",
            _ => "",
        };
        let via = if task > 0 { " via 0.5" } else { "" };
        let _ = writeln!(
            statements,
            "        {visibility}t{task} = step({arguments}) @ {cost} * k{via};"
        );
    }
    format!(
        "#[allow(dead_code)]\nfn step(mut left: Vec<f64>, right: &[f64], n: usize) -> Vec<f64> {{\n    \
             left.extend(right.iter().take(n));\n    left\n}}\n\n\
         fn main() {{\n    let (data, k) = (vec![1.0, 2.0], 3);\n    \
             let graph = ampeg::graph! {{\n{statements}    }};\n    \
             println!(\"{{:?}} {{}} {{k}}\", graph.run(2).is_ok(), data.len());\n}}\n"
    )
}
