//! The progress of runs, on a terminal and elsewhere.

#[path = "isolated/mod.rs"]
mod isolated;

#[cfg(feature = "progress")]
mod shown {
    use super::isolated::as_program;
    use ampeg::{Pool, graph};
    use indicatif::{InMemoryTerm, TermLike};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{Winsize, tcsetwinsize};
    use std::cell::RefCell;
    use std::fs::{File, read_to_string, remove_file};
    use std::io::{Read, Write, stderr, stdout};
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::thread::{JoinHandle, sleep, spawn};
    use std::time::Duration;

    /// Where a test has the stderr of its program.
    const STDERR: &str = "AMPEG_TEST_STDERR";

    /// Waits until the stderr of the program has this text.
    fn wait_for(text: &str) {
        let path = std::env::var(STDERR).unwrap();
        while !read_to_string(&path).unwrap().contains(text) {
            sleep(Duration::from_millis(5));
        }
    }

    /// A file for the stderr of a program.
    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("ampeg-progress-{name}-{}", std::process::id()))
    }

    fn with_stderr(command: &mut Command, path: &PathBuf) {
        command
            .env("AMPEG_PROGRESS", "1")
            .env(STDERR, path)
            .stderr(File::create(path).unwrap());
    }

    /// What has been written to the file, which is removed.
    fn taken(path: &PathBuf) -> String {
        let text = read_to_string(path).unwrap();
        remove_file(path).unwrap();
        text
    }

    fn nested() -> usize {
        let graph = graph! {
            inner[i in 0..3] = sleep(Duration::from_millis(300));
            n = inner.len();
        };
        graph.run(1).unwrap().n.unwrap()
    }

    #[test]
    fn lines_tell_of_a_run_where_stderr_is_no_terminal() {
        let path = file("lines");
        as_program(
            || {
                let graph = graph! {
                    // What tasks run shows nothing.
                    first = nested();
                    part[i in 0..4] = first + i;
                    last = { let _ = part; wait_for("run: 80 %, 5/6 tasks, ") } @ 1.25;
                };
                assert_eq!(graph.run(2).unwrap().last, Ok(()));
            },
            |command| with_stderr(command, &path),
            |written| {
                assert!(written.status.success(), "{written}");
                let text = taken(&path);
                let last = text.lines().last().unwrap();
                assert!(last.starts_with("run: 6/6 tasks in "), "{text}");
                assert_eq!(text.matches("tasks in").count(), 1, "{text}");
                assert!(!text.contains('\x1b'), "{text}");
            },
        );
    }

    #[test]
    fn program_that_wants_no_progress_has_none() {
        let path = file("none");
        as_program(
            || {
                let pool = Pool::builder()
                    .processes(1)
                    .progress(false)
                    .build()
                    .unwrap();
                let _ = pool
                    .run(&graph! { a = sleep(Duration::from_secs(1)); })
                    .unwrap();
            },
            |command| with_stderr(command, &path),
            |written| {
                assert!(written.status.success(), "{written}");
                assert_eq!(taken(&path), "");
            },
        );
    }

    #[test]
    fn bars_are_drawn_while_the_program_holds_the_lock_of_stderr() {
        let (terminal, bars) = (Terminal::default(), file("lock"));
        as_program(
            || {
                println!();
                let _lock = stderr().lock();
                let graph = graph! {
                    waits = { wait_for_bars(); eprintln!("from a task") };
                };
                assert_eq!(graph.run(1).unwrap().waits, Ok(()));
            },
            |command| terminal.give(command, 80, &bars),
            |written| {
                assert!(written.status.success(), "{written}");
                remove_file(&bars).unwrap();
                let text = terminal.text();
                assert!(text.contains("from a task"), "{text}");
            },
        );
    }

    /// A terminal for a program, which has 24 rows.
    #[derive(Default)]
    struct Terminal(RefCell<Option<JoinHandle<String>>>);

    impl Terminal {
        /// Gives a program this terminal. A file says when bars have been drawn on it.
        fn give(&self, command: &mut Command, columns: u16, bars: &Path) {
            let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
            let mut terminal = File::from(openpt(flags).unwrap());
            grantpt(&terminal).unwrap();
            unlockpt(&terminal).unwrap();
            let size = Winsize {
                ws_row: 24,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            tcsetwinsize(&terminal, size).unwrap();
            let name = ptsname(&terminal, Vec::new()).unwrap();
            let end = File::options()
                .read(true)
                .write(true)
                .open(name.to_str().unwrap());
            let end = end.unwrap();
            for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
                command.env_remove(variable);
            }
            command
                .env("AMPEG_PROGRESS", "1")
                .env("TERM", "xterm-256color")
                .env(BARS, bars)
                .stdout(end.try_clone().unwrap())
                .stderr(end);
            let bars = bars.to_owned();
            let reader = spawn(move || {
                let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
                // When no program has the terminal any more, Linux returns an error.
                while let Ok(length @ 1..) = terminal.read(&mut buffer) {
                    text.extend_from_slice(&buffer[..length]);
                    if String::from_utf8_lossy(&text).contains("worker 0") {
                        File::create(&bars).unwrap();
                    }
                }
                String::from_utf8(text).unwrap()
            });
            self.0.replace(Some(reader));
        }

        /// All that was written to it.
        fn text(&self) -> String {
            let reader = self.0.take().unwrap();
            reader.join().unwrap()
        }
    }

    /// Where a test says that bars have been drawn.
    const BARS: &str = "AMPEG_TEST_BARS";

    fn wait_for_bars() {
        while !Path::new(&std::env::var(BARS).unwrap()).exists() {
            sleep(Duration::from_millis(5));
        }
    }

    /// Prints lines, of which none is written at once, and aborts in the middle of one.
    fn prints_and_aborts() -> u8 {
        wait_for_bars();
        for line in 0..50 {
            print!("line {line} ");
            stdout().flush().unwrap();
            sleep(Duration::from_millis(10));
            println!("of fifty");
            eprintln!("error {line} of fifty");
        }
        print!("incomplete");
        stdout().flush().unwrap();
        std::process::abort()
    }

    #[test]
    fn output_of_tasks_is_above_the_bars_in_whole_lines() {
        let (terminal, bars) = (Terminal::default(), file("bars"));
        as_program(
            || {
                // The test harness has begun a line.
                println!();
                let graph = graph! {
                    part[i in 0..4] = i;
                    noisy = prints_and_aborts() retry 1;
                };
                assert!(graph.run(2).unwrap().noisy.is_err());
            },
            |command| terminal.give(command, 40, &bars),
            |written| {
                assert!(written.status.success(), "{written}");
                remove_file(&bars).unwrap();
                let text = terminal.text();
                assert!(text.contains("\x1b[36m"), "no colour: {text}");
                let screen = InMemoryTerm::new(1000, 40);
                screen.write_str(&text).unwrap();
                let screen = screen.contents();
                let lines: Vec<_> = screen.lines().filter(|line| !line.is_empty()).collect();
                let is_one = |line: &&&str| line.ends_with("of fifty") || **line == "incomplete";
                assert_eq!(lines.iter().filter(is_one).count(), 202, "{screen}");
                let last = "run: 5/5 tasks in ";
                let place = lines.iter().position(|line| line.starts_with(last));
                let place = place.unwrap_or_else(|| panic!("{screen}"));
                assert_eq!(lines[place - 1], "incomplete", "{screen}");
                assert!(!screen.contains("worker 0"), "{screen}");
            },
        );
    }

    #[test]
    fn there_is_no_colour_if_none_is_wanted() {
        let (terminal, bars) = (Terminal::default(), file("plain"));
        as_program(
            || {
                println!();
                let graph = graph! {
                    waits = wait_for_bars();
                };
                assert_eq!(graph.run(1).unwrap().waits, Ok(()));
            },
            |command| {
                terminal.give(command, 80, &bars);
                command.env("NO_COLOR", "1");
            },
            |written| {
                assert!(written.status.success(), "{written}");
                remove_file(&bars).unwrap();
                let text = terminal.text();
                assert!(text.contains("worker 0  waits, "), "{text}");
                assert!(!text.contains("\x1b[36m"), "{text}");
            },
        );
    }
}

#[cfg(not(feature = "progress"))]
mod missing {
    use super::isolated::isolated_with;
    use ampeg::graph;
    use log::{LevelFilter, Log, Metadata, Record};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts warnings about the variable.
    struct Counter(AtomicUsize);

    static COUNTER: Counter = Counter(AtomicUsize::new(0));

    impl Log for Counter {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            if record.args().to_string().contains("AMPEG_PROGRESS") {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        fn flush(&self) {}
    }

    #[test]
    fn variable_without_the_feature_is_warned_of_once() {
        isolated_with(("AMPEG_PROGRESS", "1"), || {
            log::set_logger(&COUNTER).unwrap();
            log::set_max_level(LevelFilter::Warn);
            for _ in 0..2 {
                assert_eq!(graph! { a = 1; }.run(1).unwrap().a, Ok(1));
            }
            assert_eq!(COUNTER.0.load(Ordering::Relaxed), 1);
        });
    }
}
