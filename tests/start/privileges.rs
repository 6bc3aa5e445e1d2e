//! Programs whose privileges would change at a start. Without a check, they would start themselves without end.

#![allow(unsafe_code, reason = "to change the ids of this process")]

use crate::isolated::isolated;
use crate::{is_root, refusal};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;

const NOBODY: u32 = 65534;

#[test]
fn ids_that_differ_are_refused() {
    isolated(|| {
        if !is_root() {
            println!("skipped: only root can change its ids");
            return;
        }
        // SAFETY: these calls only change ids, and nothing here depends on ids.
        unsafe {
            assert_eq!(libc::setresgid(NOBODY, NOBODY - 1, NOBODY - 1), 0);
            let reason = refusal();
            assert!(reason.contains("effective group ids differ"), "{reason}");
            // The effective user must be root to change the other ids.
            assert_eq!(libc::setresuid(NOBODY, 0, 0), 0);
            assert_eq!(libc::setresgid(0, 0, 0), 0);
        }
        let reason = refusal();
        assert!(reason.contains("effective user ids differ"), "{reason}");
    });
}

#[test]
fn ids_that_have_changed_together_are_no_obstacle() {
    isolated(|| {
        if !is_root() {
            println!("skipped: only root can change its ids");
            return;
        }
        // The test program may be in a folder that only root can read, so it is copied.
        let program = std::env::temp_dir().join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(std::env::temp_dir(), Permissions::from_mode(0o777)).unwrap();
        let ran = again(&program, "privileges::run_by_others", "changed");
        assert!(ran.contains("ran: Ok(1)"), "{ran}");
        fs::remove_file(program).unwrap();
    });
}

#[test]
fn programs_with_more_privileges_than_their_caller_are_refused() {
    isolated(|| {
        if !is_root() {
            println!("skipped: only root can make a program that runs with other privileges");
            return;
        }
        let program = std::env::temp_dir().join("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(std::env::temp_dir(), Permissions::from_mode(0o777)).unwrap();
        for mode in [0o4755, 0o2755] {
            chown(&program, Some(NOBODY), Some(NOBODY)).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(mode)).unwrap();
            let refused = again(&program, "privileges::run_by_others", "raised");
            let is_ignored = refused.contains("not raised");
            assert!(
                is_ignored || refused.contains("its caller does not have"),
                "{refused}"
            );
        }
        // A program of root, which root starts, and which then changes its ids.
        chown(&program, Some(0), Some(0)).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
        let refused = again(&program, "privileges::run_by_others", "changed");
        assert!(refused.contains("has changed its ids"), "{refused}");
        fs::remove_file(program).unwrap();
    });
}

/// The output of a copy of this test program that runs one test.
fn again(program: &std::path::Path, test: &str, how: &str) -> String {
    let mut command = Command::new(program);
    let output = command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("AMPEG_TEST_HOW", how)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Does nothing, except in a process that another test of this file has started.
#[test]
fn run_by_others() {
    let Ok(how) = std::env::var("AMPEG_TEST_HOW") else {
        return;
    };
    // If the check fails to refuse, this limit prevents an endless number of processes.
    let limit = rustix::process::Rlimit {
        current: Some(200),
        maximum: Some(200),
    };
    rustix::process::setrlimit(rustix::process::Resource::Nproc, limit).unwrap();
    // SAFETY: ids are changed, and nothing here depends on them; `getauxval` has no preconditions.
    unsafe {
        if how == "changed" {
            assert_eq!(libc::setgid(NOBODY), 0);
            assert_eq!(libc::setuid(NOBODY), 0);
        } else if libc::getauxval(libc::AT_SECURE) == 0 {
            println!("not raised: this file system does not allow it");
            return;
        }
    }
    let graph = ampeg::graph! { a = 1; };
    match graph.run(1) {
        Ok(outcome) => println!("ran: {:?}", outcome.a),
        Err(error) => println!("refused: {error}; {}", refusal()),
    }
}
