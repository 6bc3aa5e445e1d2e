//! Writes the trace of each run to the file that the environment variable `AMPEG_TRACE` names.

use crate::base::logging;
use crate::base::run_error::RunErrorKind;
use crate::report::Report;
use crate::run::caller::Caller;
use ampeg_schedule::Error;
use std::fs;
use std::io;
use std::path::PathBuf;

/// A file that was writable when it was opened.
#[derive(Debug)]
pub(crate) struct TraceFile(PathBuf);

impl TraceFile {
    /// The file that the environment names; none without that variable, or inside a task, whose runs are not the
    /// program's.
    pub(crate) fn named() -> Result<Option<Self>, Error> {
        let path = std::env::var_os("AMPEG_TRACE").filter(|path| !path.is_empty());
        let Some(path) = path.filter(|_| Caller::here().depth == 0) else {
            return Ok(None);
        };
        let open = || {
            // The program may change its working directory.
            let path = std::path::absolute(&path)?;
            fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)?;
            Ok(path)
        };
        let opened = open().map_err(|error: io::Error| {
            let path = path.to_string_lossy();
            let why = format!("names the file `{path}`, which cannot be written: {error}");
            RunErrorKind::Variable {
                name: "AMPEG_TRACE",
                why,
            }
        });
        Ok(Some(Self(opened?)))
    }

    /// Writes the trace of a run in place of the previous trace. A failure does not affect the results of the run.
    pub(crate) fn write(&self, report: &Report) {
        if let Err(error) = fs::write(&self.0, report.to_trace()) {
            let path = self.0.display();
            logging::warn(format_args!("the trace `{path}` is not written: {error}"));
        }
    }
}
