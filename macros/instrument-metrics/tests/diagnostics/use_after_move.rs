#[get("/")]
#[instrument_metrics]
async fn handler(name: String) -> String {
    drop(name);
    name
}
