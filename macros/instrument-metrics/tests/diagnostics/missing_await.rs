async fn load() -> String {
    String::new()
}

#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    let memo: String = load();
    memo
}
