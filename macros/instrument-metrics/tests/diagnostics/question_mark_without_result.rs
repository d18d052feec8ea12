#[get("/")]
#[instrument_metrics]
async fn handler() -> String {
    let number: u8 = "7".parse()?;
    number.to_string()
}
