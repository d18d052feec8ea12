use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(labels(
    status = "active",
    job = "api",
    __name__ = "x",
    größe = "1",
    team = "",
    shard = 2,
    tier,
    app = "a",
    app = "b",
))]
async fn get_user() -> &'static str {
    "user"
}

fn main() {
    let _ = get_user();
}
