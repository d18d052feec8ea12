use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(
    name(get_user),
    labels = "team",
    buckets(0.1, 1.0),
    skip = in_flight,
    crate = "my_facade"
)]
async fn get_user() -> &'static str {
    "user"
}

#[instrument_metrics("list_users")]
async fn list_users() -> &'static str {
    "users"
}

fn main() {
    let _ = get_user();
    let _ = list_users();
}
