use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(nmae = "get_user", label(team = "accounts"), path = "/users")]
async fn get_user() -> &'static str {
    "user"
}

fn main() {
    let _ = get_user();
}
