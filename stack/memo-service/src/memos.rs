//! Where the memos are: one table in SQLite or PostgreSQL, behind a pool of connections.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sqlx::any::{AnyPoolOptions, AnyRow};
use sqlx::{AnyConnection, AnyPool, Connection, FromRow, Row};
use url::Url;
use utoipa::ToSchema;

use crate::PATIENCE;

/// A memo as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct Memo {
    /// Given by the database.
    pub id: i64,
    /// One line.
    pub title: String,
    /// The text.
    pub body: String,
    /// Seconds since 1970-01-01 UTC.
    pub created_at: i64,
}

impl FromRow<'_, AnyRow> for Memo {
    fn from_row(row: &AnyRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            title: row.try_get("title")?,
            body: row.try_get("body")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// A memo that is to be stored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewMemo {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Up to 10,000 characters.
    #[schema(max_length = 10_000)]
    #[serde(default)]
    pub body: String,
}

/// The database did not answer, or refused.
#[derive(Debug, thiserror::Error)]
#[error("the database {place}: {why}. Is DATABASE_URL right, and the database running?")]
pub struct ConnectError {
    /// The URL's kind and host, without user and password.
    place: String,
    why: sqlx::Error,
}

/// The memos in one database.
#[derive(Clone)]
pub struct Memos {
    pool: AnyPool,
}

/// How long a connection to the database may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

impl Memos {
    pub async fn connect(url: &str, pool_size: u32) -> Result<Self, ConnectError> {
        let failed = |why| ConnectError { place: without_credentials(url), why };
        sqlx::any::install_default_drivers();
        // By itself first: a pool says of each failure that it has waited too long.
        let first = tokio::time::timeout(CONNECT_WITHIN, AnyConnection::connect(url));
        match first.await {
            Ok(connection) => connection.map_err(failed)?.close().await.map_err(failed)?,
            Err(_) => return Err(failed(sqlx::Error::PoolTimedOut)),
        }
        let mut options = AnyPoolOptions::new().acquire_timeout(CONNECT_WITHIN);
        if url.contains(":memory:") || url.contains("mode=memory") {
            // Such a database belongs to its connection and ends with it.
            options = options.max_connections(1).idle_timeout(None).max_lifetime(None);
        } else {
            options = options.max_connections(pool_size);
        }
        let pool = options.connect(url).await.map_err(failed)?;
        let is_sqlite = url.starts_with("sqlite:");
        if is_sqlite {
            // Readers and the writer do not wait for each other. The answer is the mode.
            sqlx::query("PRAGMA journal_mode = WAL").fetch_all(&pool).await.map_err(failed)?;
        }
        let table = if is_sqlite { SQLITE_TABLE } else { POSTGRES_TABLE };
        sqlx::query(table).execute(&pool).await.map_err(failed)?;
        Ok(Self { pool })
    }

    pub async fn create(&self, memo: &NewMemo) -> sqlx::Result<Memo> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        sqlx::query_as(
            "INSERT INTO memos (title, body, created_at) VALUES ($1, $2, $3) \
             RETURNING id, title, body, created_at",
        )
        .bind(memo.title.clone())
        .bind(memo.body.clone())
        .bind(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
        .fetch_one(&self.pool)
        .await
    }

    /// The newest memos first.
    pub async fn newest(&self, limit: u32) -> sqlx::Result<Vec<Memo>> {
        sqlx::query_as("SELECT id, title, body, created_at FROM memos ORDER BY id DESC LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
    }

    pub async fn get(&self, id: i64) -> sqlx::Result<Option<Memo>> {
        sqlx::query_as("SELECT id, title, body, created_at FROM memos WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// Whether there was such a memo.
    pub async fn delete(&self, id: i64) -> sqlx::Result<bool> {
        let done = sqlx::query("DELETE FROM memos WHERE id = $1").bind(id).execute(&self.pool);
        Ok(done.await?.rows_affected() > 0)
    }

    /// How many there were.
    pub async fn delete_all(&self) -> sqlx::Result<u64> {
        Ok(sqlx::query("DELETE FROM memos").execute(&self.pool).await?.rows_affected())
    }

    /// How many memos are stored; `None` where the database does not say so in time.
    pub async fn count(&self) -> Option<f64> {
        let count =
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM memos").fetch_one(&self.pool);
        match tokio::time::timeout(PATIENCE, count).await {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            Ok(Ok(count)) => Some(count as f64),
            Ok(Err(error)) => {
                log::warn!("the memos cannot be counted: {error}");
                None
            }
            Err(_) => {
                log::warn!("the memos cannot be counted within {PATIENCE:?}");
                None
            }
        }
    }

    /// Whether the database answers in time.
    pub async fn answers(&self) -> Result<(), String> {
        // About the table: SQLite answers `SELECT 1` without a look at its file. (As long as it has
        // the table's page in memory, it does not look for this either, and can work.)
        let question = sqlx::query("SELECT id FROM memos LIMIT 1").fetch_optional(&self.pool);
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        }
    }

    /// Connections that wait for work, and those at work.
    pub fn connections(&self) -> (i64, i64) {
        let idle = i64::try_from(self.pool.num_idle()).unwrap_or(i64::MAX);
        // The two are read one after the other, and a connection may come back in between.
        (idle, (i64::from(self.pool.size()) - idle).max(0))
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }
}

const SQLITE_TABLE: &str = "CREATE TABLE IF NOT EXISTS memos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
)";

const POSTGRES_TABLE: &str = "CREATE TABLE IF NOT EXISTS memos (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
)";

/// The URL's kind, host and database, and nothing else of it: a password may stand in several
/// places. Of a URL that cannot be taken apart, only the kind.
fn without_credentials(url: &str) -> String {
    let scheme = url.split(':').next().unwrap_or_default();
    if scheme == "sqlite" {
        return url.split('?').next().unwrap_or_default().to_owned();
    }
    match Url::parse(url) {
        Ok(parsed) if parsed.has_host() => {
            let host = parsed.host_str().unwrap_or_default();
            let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}://{host}{port}{}", parsed.path())
        }
        _ => format!("{scheme}:…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_told() {
        let table = [
            ("postgres://memo:s3cr3t@db:5432/memos?sslmode=x", "postgres://db:5432/memos"),
            ("postgres://memo:p@ss@db/memos", "postgres://db/memos"),
            ("postgres://db/memos?user=a&password=s3cr@et", "postgres://db/memos"),
            ("postgres://memo:s3cr3t", "postgres:…"),
            ("postgres:memo:s3cr3t", "postgres:…"),
            ("sqlite://memos.db?mode=rwc", "sqlite://memos.db"),
            ("sqlite::memory:", "sqlite::memory:"),
        ];
        for (url, told) in table {
            assert_eq!(without_credentials(url), told);
        }
    }
}
