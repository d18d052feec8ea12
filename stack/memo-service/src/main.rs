//! `memo-service`: answers HTTP until it is told to stop.
//! `memo-service healthcheck`: asks a running one, for a container that has no shell and no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use memo_service::{Config, MemoService};

/// The example service of the Metrics Workbook.
///
/// Configured by environment variables: `MEMO_ADDRESS` (127.0.0.1:8080), `DATABASE_URL`
/// (`sqlite://memos.db?mode=rwc`), `MEMO_POOL_SIZE` (5), `MODEL_SECONDS` (1-4),
/// `MODEL_FAILURE_RATE` (0.1).
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Asks a running service for its health: exit code 0 if it is well, 1 if not.
    Healthcheck {
        /// Where to ask; by default `/health` at `MEMO_ADDRESS`.
        url: Option<String>,
    },
}

#[actix_web::main]
async fn main() -> ExitCode {
    let logger = env_logger::Env::default().default_filter_or(memo_service::LOG);
    env_logger::Builder::from_env(logger).init();
    let outcome = match Arguments::parse().command {
        None => serve().await,
        Some(Command::Healthcheck { url }) => healthcheck(url),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("memo-service: {sentence}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let config = Config::from_env().map_err(|error| error.to_string())?;
    let address = config.address;
    let listener = TcpListener::bind(address).map_err(|error| {
        format!(
            "cannot listen on {address}: {error}. \
             Set MEMO_ADDRESS to another address, such as 127.0.0.1:8090"
        )
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let service = MemoService::start(&config).await.map_err(|error| error.to_string())?;
    let server = service.serve(listener).map_err(|error| error.to_string())?;
    println!("memo-service answers on http://{address}/ (API: /docs/, metrics: /metrics)");
    server.await.map_err(|error| error.to_string())?;
    service.close().await;
    println!("memo-service has stopped.");
    Ok(())
}

/// Where this machine reaches a service that listens there: every address means this one, too.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn healthcheck(url: Option<String>) -> Result<(), String> {
    let url = match url {
        Some(url) => url,
        None => {
            let config = Config::from_env().map_err(|error| error.to_string())?;
            format!("http://{}/health", reachable(config.address))
        }
    };
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            // The service is on this machine, whatever HTTP_PROXY says.
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(3)))
            .http_status_as_error(false)
            .build(),
    );
    let answer = agent.get(&url).call().map_err(|error| format!("{url}: {error}"))?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(format!("{url} answers {}", answer.status()))
}
