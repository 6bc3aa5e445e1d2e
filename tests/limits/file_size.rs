//! `ulimit -f`, which also counts shared memory.

use crate::isolated::isolated;
use crate::{PLACES, Place, limit, says};
use ampeg::{Pool, Shared, TaskErrorKind, graph};
use rustix::process::Resource;

const LIMIT: u64 = 100_000;
const LARGE: usize = 300_000;

#[test]
fn result_beyond_the_limit_fails_its_task_alone() {
    isolated(|| {
        limit(Resource::Fsize, LIMIT);
        let graph = graph! {
            pub small = vec![1_u8; 50_000];
            pub large = vec![2_u8; LARGE];
            pub shared = Shared::<[u8]>::build(LARGE, |bytes| bytes.fill(3));
            pub last = small.len();
        };
        let outcome = Place::Processes.run(&graph).unwrap();
        assert_eq!(outcome.last, Ok(50_000));
        let errors = [outcome.large.as_ref().err(), outcome.shared.as_ref().err()];
        for error in errors.map(Option::unwrap) {
            let kind = error.kind();
            assert!(
                matches!(kind, TaskErrorKind::NotDeliverable { .. }),
                "{error}"
            );
            says(error, &["`ulimit -f`", "100000", "300000"]);
        }
    });
}

#[test]
fn values_that_stay_in_one_process_need_no_file() {
    isolated(|| {
        limit(Resource::Fsize, LIMIT);
        let graph = graph! {
            large = vec![2_u8; LARGE];
            shared = Shared::<[u8]>::build(LARGE, |bytes| bytes.fill(3));
            pub both = large.len() + shared.len();
        };
        for place in [Place::Threads, Place::Inline] {
            assert_eq!(place.run(&graph).unwrap().both, Ok(2 * LARGE));
        }
        let outcome = Pool::new(1).unwrap().run(&graph).unwrap();
        assert_eq!(outcome.both, Ok(2 * LARGE));
    });
}

#[test]
fn captured_value_beyond_the_limit_is_an_error_that_names_both() {
    isolated(|| {
        limit(Resource::Fsize, LIMIT);
        let table = vec![1_u8; LARGE];
        let graph = graph! { length = table.len(); };
        match Place::Processes.run(&graph) {
            Ok(outcome) => says(outcome.length.as_ref().unwrap_err(), &["`ulimit -f`"]),
            Err(error) => says(&error, &["`ulimit -f`"]),
        }
        for place in [Place::Threads, Place::Inline] {
            assert_eq!(place.run(&graph).unwrap().length, Ok(LARGE));
        }
    });
}

#[test]
fn without_any_file_the_start_is_an_error() {
    isolated(|| {
        limit(Resource::Fsize, 0);
        let graph = graph! { a = 1; };
        for place in PLACES {
            match place.run(&graph) {
                Ok(outcome) => assert_eq!(outcome.a, Ok(1)),
                Err(error) => says(&error, &["`ulimit -f`"]),
            }
        }
    });
}
