//! A Prometheus of the learner's, as a child of this process.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::Arguments;

/// The same configuration as in the compose stack, but for the addresses.
const CONFIGURATION: &str = include_str!("../../prometheus/prometheus.yml");

/// A running Prometheus; it stops, and its data goes, when this is dropped.
pub struct Prometheus {
    pub address: SocketAddr,
    child: Child,
    _storage: TempDir,
}

impl Prometheus {
    /// Starts the Prometheus that the arguments name, and waits until it listens. `None` where
    /// none is wanted, or none is to be found.
    pub async fn start(
        arguments: &Arguments,
        memo_service: SocketAddr,
    ) -> Result<Option<Self>, String> {
        let Some(program) = program(&arguments.prometheus) else { return Ok(None) };
        let name = program.display();
        let listen = arguments.prometheus_address;
        let failed = |error| format!("cannot start {name}: {error}");
        let storage = tempfile::tempdir().map_err(failed)?;
        let file = storage.path().join("prometheus.yml");
        fs::write(&file, configuration(memo_service, listen)).map_err(failed)?;
        let mut command = Command::new(&program);
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
        Ok(Some(Self { address, child, _storage: storage }))
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

fn program(wanted: &OsStr) -> Option<PathBuf> {
    match wanted.to_str() {
        Some("none") => None,
        Some("auto") => {
            let name = format!("prometheus{}", env::consts::EXE_SUFFIX);
            let folders = env::var_os("PATH")?;
            env::split_paths(&folders).map(|folder| folder.join(&name)).find(|file| file.is_file())
        }
        _ => Some(PathBuf::from(wanted)),
    }
}

fn configuration(memo_service: SocketAddr, prometheus: SocketAddr) -> String {
    CONFIGURATION
        .replace("memo-service:8080", &memo_service.to_string())
        .replace("localhost:9090", &prometheus.to_string())
        // Without Docker, a lesson's service is another port of this machine.
        .replace("host.docker.internal:8080", "127.0.0.1:8082")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_compose_stack_is_replaced() {
        let configuration =
            configuration("127.0.0.1:1".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let targets: Vec<_> = configuration
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- targets: "))
            .collect();
        assert_eq!(targets, [r#"["127.0.0.1:2"]"#, r#"["127.0.0.1:1"]"#, r#"["127.0.0.1:8082"]"#]);
    }
}
