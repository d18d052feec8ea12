async fn save() {}

#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    save();
    String::new()
}
