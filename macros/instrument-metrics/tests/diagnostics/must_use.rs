#[must_use = "an answer is for somebody"]
#[instrument_metrics]
async fn handler() -> String {
    String::new()
}

pub async fn caller() {
    handler();
    let _ = handler().await;
}
