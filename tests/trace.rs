//! Traces of runs: the rules of the format, and errors of the file.

#[path = "isolated/mod.rs"]
mod isolated;

use ampeg::{Pool, Report, graph};
use isolated::{isolated, isolated_with};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Checks a trace against the rules of the format. Returns its events.
fn check(trace: &str) -> Vec<Value> {
    let trace: Value = serde_json::from_str(trace).unwrap();
    assert_eq!(trace["displayTimeUnit"], "ms");
    let events = trace["traceEvents"].as_array().unwrap().clone();
    let mut arrows: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for event in &events {
        assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64());
        match event["ph"].as_str().unwrap() {
            "M" => assert!(event["args"].is_object()),
            "X" => assert!(number(event, "ts") >= 0.0 && number(event, "dur") >= 0.0),
            "i" => assert!(event["s"] == "t" && number(event, "ts") >= 0.0),
            "s" | "f" => arrows
                .entry(event["id"].as_u64().unwrap())
                .or_default()
                .push(event),
            other => panic!("{other}"),
        }
    }
    for ends in arrows.values() {
        let [from, to] = ends[..] else {
            panic!("{ends:?}")
        };
        assert_eq!((&from["ph"], &to["ph"]), (&"s".into(), &"f".into()));
        assert_eq!((&from["name"], &from["cat"]), (&to["name"], &to["cat"]));
        assert!(number(from, "ts") <= number(to, "ts"), "{from} {to}");
        for end in ends {
            let is_around = |slice: &Value| {
                if slice["ph"] != "X"
                    || (&slice["pid"], &slice["tid"]) != (&end["pid"], &end["tid"])
                {
                    return false;
                }
                let (after, duration) = (
                    number(end, "ts") - number(slice, "ts"),
                    number(slice, "dur"),
                );
                after == 0.0 || (after > 0.0 && after < duration)
            };
            assert!(events.iter().any(is_around), "{end}");
        }
    }
    events
}

fn number(event: &Value, key: &str) -> f64 {
    event[key].as_f64().unwrap()
}

fn count(events: &[Value], phase: &str, category: &str) -> usize {
    let of_kind = |event: &&Value| event["ph"] == phase && event["cat"] == category;
    events.iter().filter(of_kind).count()
}

fn fails_once() -> Result<u8, String> {
    static TRIED: AtomicBool = AtomicBool::new(false);
    if TRIED.swap(true, Ordering::Relaxed) {
        Ok(1)
    } else {
        Err("not yet".into())
    }
}

#[test]
fn trace_has_plan_and_run_arrows_retries_and_deaths() {
    isolated(|| {
        let graph = graph! {
            part[i in 0..8] = vec![i; 100] @ 2;
            flaky = fails_once()? retry 1;
            crash: u8 = std::process::abort();
            pub all = part.iter().flatten().count() + usize::from(flaky);
            pub late = crash;
        };
        let outcome = graph.run(2).unwrap();
        assert_eq!(outcome.all, Ok(801));
        let report: &Report = outcome.report();
        let events = check(&report.to_trace());
        assert_eq!(count(&events, "X", "planned"), 12);
        let succeeded = report.attempts().iter().filter(|it| it.succeeded).count();
        assert_eq!(count(&events, "X", "task"), succeeded);
        assert_eq!(
            count(&events, "X", "failed"),
            report.attempts().len() - succeeded
        );
        assert!(count(&events, "i", "retry") >= 1);
        assert_eq!(count(&events, "i", "death"), report.deaths().len());
        assert!(!report.deaths().is_empty());
        let is_result = |event: &&Value| event["ph"] == "s" && event["pid"] == 2;
        let n_arrows = events.iter().filter(is_result).count();
        let from_workers = report.transfers().iter().filter(|it| it.from.is_some());
        assert!(n_arrows <= from_workers.count());
        let is_group = |event: &&Value| event["name"] == "process_name";
        assert_eq!(events.iter().filter(is_group).count(), 2);
    });
}

#[test]
fn results_that_moved_are_arrows() {
    isolated(|| {
        let graph = graph! { a = vec![1_u8; 1000]; b = a.len(); c = a.len() + 1; };
        let tasks = graph.task_graph().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| tasks.find(name).unwrap());
        let two = ampeg::Processors::new(2).unwrap();
        let lists = [vec![a, c], vec![b]];
        let schedule = ampeg::Schedule::from_order(tasks, &two, &lists).unwrap();
        let pool = Pool::builder().threads(2).build().unwrap();
        let outcome = pool.run_schedule(&graph, &schedule).unwrap();
        let events = check(&outcome.report().to_trace());
        let arrows = events.iter().filter(|event| event["ph"] == "s");
        let arrows: Vec<_> = arrows
            .map(|event| (&event["name"], &event["pid"]))
            .collect();
        // One arrow is in the plan, and one in the run.
        assert_eq!(arrows, [(&"a".into(), &1.into()), (&"a".into(), &2.into())]);
    });
}

#[test]
fn variable_names_a_file_for_the_trace_of_the_last_run() {
    isolated_with(("AMPEG_TRACE", "trace.json"), || {
        std::env::set_current_dir(std::env::temp_dir()).unwrap();
        let slices = || {
            let trace = std::fs::read_to_string("trace.json").unwrap();
            let events = check(&trace);
            let slices = events.iter().filter(|event| event["ph"] == "X");
            let names = slices.map(|event| event["name"].as_str().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        let inner = graph! { inner = graph! { x = 1; }.run(1)?.into_values().map(|it| it.x)?; };
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.run(&inner).unwrap().inner, Ok(1));
        assert_eq!(slices(), ["inner", "inner"], "planned and run");
        let _ = graph! { here = 1; }.run_inline().unwrap();
        assert_eq!(slices(), ["here"]);
        std::fs::remove_file("trace.json").unwrap();
    });
}

#[test]
fn file_that_cannot_be_written_is_an_error_at_the_start() {
    isolated_with(("AMPEG_TRACE", "/no such folder/trace.json"), || {
        let graph = graph! { a = 1; };
        let start = "the environment variable `AMPEG_TRACE` names the file `/no such folder/trace.json`, \
                     which cannot be written: No such file or directory";
        let error = graph.run(1).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
        assert!(graph.run_inline().is_err() && Pool::new(1).is_err());
    });
}

#[test]
fn full_disk_loses_no_result() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    isolated_with(("AMPEG_TRACE", "/dev/full"), || {
        let graph = graph! { a = 1; };
        assert_eq!(graph.run(1).unwrap().a, Ok(1));
        assert_eq!(graph.run_inline().unwrap().a, Ok(1));
    });
}
