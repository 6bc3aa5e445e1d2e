//! Restrictions of a program by sandboxes and limits.

#![allow(
    unsafe_code,
    reason = "filters of system calls, limits and variables of this process"
)]

use crate::isolated::isolated;
use crate::{is_root, refusal};
use ampeg::{Pool, graph};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

/// Denies this process a system call, if its first argument has this value. Returns false if the system has no filters.
fn deny(call: libc::c_long, argument: Option<u32>) -> bool {
    const LOAD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let statement = |code, k| libc::sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    };
    let skip_unless = |k, jf| libc::sock_filter {
        code: JUMP_IF_EQUAL,
        jt: 0,
        jf,
        k,
    };
    let denied = statement(RETURN, libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs());
    let allowed = statement(RETURN, libc::SECCOMP_RET_ALLOW);
    let call = u32::try_from(call).unwrap();
    // The number of the call is at offset 0, and its first argument at offset 16.
    let mut filter = vec![statement(LOAD, 0)];
    match argument {
        Some(argument) => filter.extend([
            skip_unless(call, 3),
            statement(LOAD, 16),
            skip_unless(argument, 1),
            denied,
            allowed,
        ]),
        None => filter.extend([skip_unless(call, 1), denied, allowed]),
    }
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap(),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the filter is read during the call, and holds for all threads of this process.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let to_all = libc::SECCOMP_FILTER_FLAG_TSYNC;
        let mode = libc::SECCOMP_SET_MODE_FILTER;
        libc::syscall(libc::SYS_seccomp, mode, to_all, &raw const program) == 0
    }
}

#[test]
fn sockets_that_are_denied_are_the_reason() {
    isolated(|| {
        let family = Some(libc::AF_UNIX.unsigned_abs());
        if !deny(libc::SYS_socket, family) || !deny(libc::SYS_socketpair, family) {
            println!("skipped: no filters of system calls here");
            return;
        }
        let reason = refusal();
        assert!(reason.contains("AF_UNIX"), "{reason}");
        assert!(reason.contains("`RestrictAddressFamilies`"), "{reason}");
    });
}

#[test]
fn shared_memory_that_is_denied_is_the_reason() {
    isolated(|| {
        if !deny(libc::SYS_memfd_create, None) {
            println!("skipped: no filters of system calls here");
            return;
        }
        let reason = refusal();
        assert!(reason.contains("`memfd_create`"), "{reason}");
    });
}

#[test]
fn too_few_processes_are_the_reason() {
    isolated(|| {
        let limit = rustix::process::Rlimit {
            current: Some(1),
            maximum: Some(1),
        };
        if is_root() {
            // SAFETY: nothing here depends on ids. Root has no such limit.
            unsafe {
                assert_eq!(libc::setgid(65533), 0);
                assert_eq!(libc::setuid(65533), 0);
            }
        }
        rustix::process::setrlimit(rustix::process::Resource::Nproc, limit).unwrap();
        let error = Pool::new(2).unwrap_err().to_string();
        assert!(error.contains("`ulimit -u`"), "{error}");
        let error = Pool::builder().threads(2).build().unwrap_err().to_string();
        assert!(error.contains("`ulimit -u`"), "{error}");
        assert_eq!(graph! { a = 1; }.run_inline().unwrap().a, Ok(1));
    });
}

#[test]
fn variable_that_somebody_has_set_is_the_reason() {
    isolated(|| {
        let version = env!("CARGO_PKG_VERSION").replace('.', "_");
        for value in ["4", "", "1:1:1"] {
            // SAFETY: no other thread of this process reads or writes the environment now.
            unsafe { std::env::set_var(format!("AMPEG_WORKER_{version}"), value) };
            let reason = refusal();
            assert!(reason.contains("AMPEG_WORKER_"), "{reason}");
            assert!(reason.ends_with("unset it"), "{reason}");
        }
        // Another version of the crate has another variable.
        // SAFETY: as above.
        unsafe {
            std::env::remove_var(format!("AMPEG_WORKER_{version}"));
            std::env::set_var("AMPEG_WORKER_0_0_9", "4");
        }
        assert_eq!(graph! { a = 1; }.run(1).unwrap().a, Ok(1));
    });
}

#[test]
fn folder_for_temporary_files_may_have_any_name() {
    isolated(|| {
        let name = std::ffi::OsString::from_vec(b"not \xff text".to_vec());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        // SAFETY: no other thread of this process reads or writes the environment now.
        unsafe { std::env::set_var("TMPDIR", &folder) };
        assert_eq!(
            graph! { a = vec![1_u8; 100_000]; }.run(1).unwrap().a,
            Ok(vec![1; 100_000])
        );
        fs::remove_dir(folder).unwrap();
    });
}

/// The output of this program when it runs one test while a file system is hidden; none if it cannot be hidden.
fn where_hidden(path: &str, test: &str) -> Option<String> {
    let program = std::env::current_exe().unwrap();
    let script = format!(
        "mount -t tmpfs none {path} && echo hidden && exec \"$0\" --exact {test} --nocapture"
    );
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(program)
        .env("AMPEG_TEST_HOW", path)
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if !said.contains("hidden") {
        println!("skipped: {path} cannot be hidden here: {said}");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(said)
}

#[test]
fn program_without_proc_gets_the_reason() {
    isolated(|| {
        if let Some(said) = where_hidden("/proc", "denied::run_where_hidden") {
            assert!(said.contains("/proc/self/exe cannot be found"), "{said}");
            assert!(said.contains("threads: Ok(1)"), "{said}");
        }
    });
}

#[test]
fn program_without_devices_runs() {
    isolated(|| {
        if let Some(said) = where_hidden("/dev", "denied::run_where_hidden") {
            assert!(said.contains("processes: Ok(1)"), "{said}");
        }
    });
}

/// Does nothing, except in a process that another test of this file has started.
#[test]
fn run_where_hidden() {
    if std::env::var_os("AMPEG_TEST_HOW").is_none() {
        return;
    }
    let graph = graph! { a = 1; };
    match graph.run(1) {
        Ok(outcome) => println!("processes: {:?}", outcome.a),
        Err(error) => println!("refused: {error}"),
    }
    let threads = Pool::builder().threads(1).build().unwrap();
    println!("threads: {:?}", threads.run(&graph).unwrap().a);
}
