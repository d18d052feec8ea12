//! A Prometheus of the learner's, as a child of this process.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::targets::Targets;

/// A running Prometheus; it stops, and its data goes, when this is dropped.
pub struct Prometheus {
    pub address: SocketAddr,
    child: Child,
    _storage: TempDir,
}

impl Prometheus {
    /// Starts the program, and waits until it listens.
    pub async fn start(
        program: &Path,
        listen: SocketAddr,
        targets: &Targets,
    ) -> Result<Self, String> {
        let name = program.display();
        let failed = |error| format!("cannot start {name}: {error}");
        let storage = tempfile::tempdir().map_err(failed)?;
        let file = storage.path().join("prometheus.yml");
        fs::write(&file, targets.for_prometheus(listen)).map_err(failed)?;
        let mut command = Command::new(program);
        // A group of its own: a terminal sends Ctrl-C to the whole group, and this one is stopped
        // by us, after the service.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", storage.path().join("data").display()))
            .arg(format!("--web.listen-address={listen}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let stderr = child.stderr.take().ok_or_else(|| format!("{name} has no log"))?;
        let mut log = BufReader::new(stderr).lines();
        let address = tokio::time::timeout(Duration::from_secs(30), listening(&mut log))
            .await
            .map_err(|_| format!("{name} does not listen after 30 seconds"))?
            .map_err(|last| {
                format!("{name} has stopped; its last words: {last}\nIs {listen} taken? Another: --prometheus-address 127.0.0.1:9091")
            })?;
        // Its log is read on, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Ok(Self { address, child, _storage: storage })
    }

    /// Ends it at once: what it has stored goes anyway.
    pub async fn stop(mut self) {
        let _ = self.child.kill().await;
    }

    /// Waits until it stops by itself, and says so.
    pub async fn exited(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => format!("Prometheus has stopped: {status}"),
            Err(error) => format!("Prometheus is lost: {error}"),
        }
    }
}

/// The program to start; `None` where the built-in one is to be taken.
pub fn program(wanted: &OsStr) -> Option<PathBuf> {
    match wanted.to_str() {
        Some("embedded") => None,
        Some("auto") => {
            let name = format!("prometheus{}", env::consts::EXE_SUFFIX);
            let folders = env::var_os("PATH")?;
            env::split_paths(&folders).map(|folder| folder.join(&name)).find(|file| file.is_file())
        }
        _ => Some(PathBuf::from(wanted)),
    }
}

/// Reads the log until it says where Prometheus listens; its last line if it ends before.
async fn listening(log: &mut Lines<BufReader<ChildStderr>>) -> Result<SocketAddr, String> {
    let mut last = String::new();
    while let Ok(Some(line)) = log.next_line().await {
        let address = line
            .split_once("msg=\"Listening on\"")
            .and_then(|(_, rest)| rest.split_once("address="))
            .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
        match address {
            Some(address) => return Ok(address),
            None => last = line,
        }
    }
    Err(last)
}
