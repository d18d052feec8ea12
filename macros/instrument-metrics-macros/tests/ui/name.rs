use instrument_metrics_macros::instrument_metrics;

#[instrument_metrics(name = "")]
async fn empty() -> &'static str {
    "user"
}

#[instrument_metrics(name = "<overflow>")]
async fn reserved() -> &'static str {
    "user"
}

#[instrument_metrics(name = get_user)]
async fn without_quotes() -> &'static str {
    "user"
}

fn main() {
    let _ = (empty(), reserved(), without_quotes());
}
